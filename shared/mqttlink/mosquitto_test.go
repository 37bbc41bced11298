package mqttlink_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"piway/shared/backoff"
	"piway/shared/mqttlink"
)

// TestMosquitto speaks to a broker that is not ours.
func TestMosquitto(t *testing.T) {
	t.Parallel()
	addr := mosquitto(t)
	options := func(id string, will *mqttlink.Message) mqttlink.Options {
		return mqttlink.Options{Broker: "tcp://" + addr, ClientID: id, Will: will}
	}
	sub, err := mqttlink.Connect(t.Context(), options("sub", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	got := make(chan string, 10)
	if err := sub.Subscribe(t.Context(), "pi/#", func(_ string, p []byte) { got <- string(p) }); err != nil {
		t.Fatal(err)
	}
	pub, err := mqttlink.Connect(t.Context(), options("pub", &mqttlink.Message{Topic: "pi/pub/status", Payload: []byte("offline")}))
	if err != nil {
		t.Fatal(err)
	}
	d := pub.Publish("pi/pub/samples", []byte("hello"))
	wait(t, "delivery", d.Done())
	if d.Err() != nil {
		t.Fatal(d.Err())
	}
	if s := <-got; s != "hello" {
		t.Errorf("got %q, want hello", s)
	}
	// A second client with the same id ends the first, whose will is published.
	again, err := mqttlink.Connect(t.Context(), options("pub", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	wait(t, "loss of the first", pub.Lost())
	if s := <-got; s != "offline" {
		t.Errorf("got %q, want the will", s)
	}
	pub.Close()
}

// mosquitto starts Debian's broker on a free port and returns its address.
func mosquitto(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/mosquitto"); err != nil {
			t.Skip("mosquitto is not installed (Debian: apt install mosquitto)")
		}
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(t.TempDir(), "mosquitto.conf")
	text := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\npersistence false\n", addr.Port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, "-c", conf) //nolint:gosec // a test's own child
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // killed
	})
	await(t, addr.String())
	return addr.String()
}

// await returns when something listens on addr.
func await(t *testing.T, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	retry := backoff.Backoff{Min: 5 * time.Millisecond, Max: 100 * time.Millisecond}
	for {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			_ = c.Close() // only a knock
			return
		}
		if retry.Wait(ctx) != nil {
			t.Fatalf("nobody listens on %s: %v", addr, err)
		}
	}
}
