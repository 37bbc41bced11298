package fakebroker

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Mosquitto starts the real broker of that name on a free loopback port, open to everyone, and returns its host:port.
// It stops when the test ends. Where mosquitto is not installed the test is skipped.
func Mosquitto(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/mosquitto") // not on everybody's PATH
	}
	if err != nil {
		t.Skip("mosquitto is not installed (Debian: apt install mosquitto)")
	}
	port := freePort(t)
	conf := filepath.Join(t.TempDir(), "mosquitto.conf")
	text := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest stderr\n", port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, "-c", conf) //nolint:gosec // a test's own child
	log, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		stop()
		t.Fatalf("starting mosquitto: %v", err)
	}
	lines := bufio.NewScanner(log)
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it was killed
	})
	for lines.Scan() {
		if strings.HasSuffix(lines.Text(), " running") {
			return fmt.Sprintf("127.0.0.1:%d", port)
		}
	}
	t.Fatalf("mosquitto ended at once: %v", lines.Err())
	return ""
}

// freePort returns a port that was free a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("listening: got address %v", l.Addr())
	}
	return addr.Port
}
