package foreign_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/agent/agent"
	"piway/gateway/demo"
	"piway/gateway/gateway"
	"piway/shared/config"
	"piway/shared/pki"
)

// TestGateway_mosquittoUpstream puts Debian's broker in AWS's place, with client certificates required: what the
// gateway publishes there is read by Debian's mosquitto_sub, in the form that the topic rule reads.
func TestGateway_mosquittoUpstream(t *testing.T) {
	server, sub := lookTool(t, "mosquitto"), lookTool(t, "mosquitto_sub")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	dir := t.TempDir()
	certs := filepath.Join(dir, "certs")
	if err := pki.MakeAWS(certs, nil); err != nil {
		t.Fatal(err)
	}
	port := upstream(ctx, t, server, dir, certs)
	lines := subscribe(ctx, t, sub, certs, port)

	addr, err := net.ResolveTCPAddr("tcp", "localhost:"+port)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	cfg := demo.Config(dir, certs)
	cfg.Uplink.Endpoint = addr.String()
	g, err := gateway.Open(ctx, cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	kitchen := agent.Default()
	kitchen.Spool.Dir = ""
	kitchen.Device, kitchen.Collect.Interval = "kitchen", demo.Interval
	password, err := g.AddDevice(kitchen.Device)
	if err != nil {
		t.Fatal(err)
	}
	kitchen.Gateway.Address, kitchen.Gateway.Password = g.Addr().String(), config.Secret(password)
	programs, stop := context.WithCancel(ctx)
	ended := make(chan error, 2)
	go func() { ended <- g.Run(programs) }()
	go func() { ended <- agent.Run(programs, kitchen, log) }()
	defer func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				t.Errorf("at the end: %v", err)
			}
		}
	}()

	for _, name := range []string{"cpu usage (kitchen)", "memory usage (kitchen)", "disk usage / (kitchen)"} {
		checkMetric(t, lines, name)
	}
}

// checkMetric waits for the metric and holds the message to the recipe's form.
func checkMetric(t *testing.T, lines <-chan string, name string) {
	t.Helper()
	for line := range lines {
		m := map[string]string{} // all members are strings
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if m["name"] != name {
			continue
		}
		for _, field := range []string{"unit", "value", "timestamp", "samples"} {
			if m[field] == "" {
				t.Errorf("%s: no %s", line, field)
			}
		}
		if m["device"] != "kitchen" || len(m) != 6 {
			t.Errorf("%s: want name, unit, value, timestamp, samples and the device kitchen", line)
		}
		return
	}
	t.Fatalf("%s did not arrive", name)
}

func lookTool(t *testing.T, name string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	t.Skipf("%s is not installed (Debian: apt install mosquitto mosquitto-clients)", name)
	return ""
}

// upstream runs mosquitto with mutual TLS and returns its port.
func upstream(ctx context.Context, t *testing.T, server, dir, certs string) string {
	t.Helper()
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "mosquitto.conf")
	text := fmt.Sprintf("user root\nlistener %s 127.0.0.1\ncafile %s\ncertfile %s\nkeyfile %s\nrequire_certificate true\nallow_anonymous true\nlog_dest stderr\n",
		port, filepath.Join(certs, "client-ca.pem"), filepath.Join(certs, "server.pem.crt"), filepath.Join(certs, "server.pem.key"))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log := startTool(ctx, t, true, server, "-c", conf)
	for line := range log {
		if strings.HasSuffix(line, " running") {
			return port
		}
	}
	t.Fatal("mosquitto ended at its start")
	return ""
}

// subscribe returns what mosquitto_sub prints, a message a line.
func subscribe(ctx context.Context, t *testing.T, sub, certs, port string) <-chan string {
	t.Helper()
	files, err := pki.Find(certs)
	if err != nil {
		t.Fatal(err)
	}
	return startTool(ctx, t, false, sub, "-h", "localhost", "-p", port, "-t", "raspi/metrics", "-q", "1",
		"--cafile", files.Roots[0], "--cert", files.Cert, "--key", files.Key)
}

// startTool runs a program until the test ends and returns the lines that it prints. The channel ends with the program.
func startTool(ctx context.Context, t *testing.T, stderr bool, name string, args ...string) <-chan string {
	t.Helper()
	ctx, stop := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, name, args...)
	open := cmd.StdoutPipe
	if stderr {
		open = cmd.StderrPipe
	}
	out, err := open()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		stop()
		t.Fatal(err)
	}
	lines := make(chan string, 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			select {
			case lines <- s.Text():
			default: // nobody reads so many
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-done
		_ = cmd.Wait() // killed
	})
	return lines
}
