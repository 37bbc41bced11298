package uplink_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"piway/shared/mqttlink/fakebroker"
	"piway/shared/testlog"
)

// A connection that is closed again and again although AWS takes messages is another program's with the client id, and
// nothing is parked for it. That is told once.
func TestUplink_sharedClientID(t *testing.T) {
	const n = 15
	b := fakebroker.New(t, nil)
	b.Puback = func(p fakebroker.Publish) bool { return string(p.Payload) == fmt.Sprint("m", p.Conn-1) }
	src := newSource(n)
	durable := make(chan int, n)
	src.acked = func(k int) error { durable <- k; return nil }
	cfg := settings(b)
	cfg.SharedInterval = time.Millisecond
	said := new(testlog.Log)
	cfg.Log = slog.New(slog.NewTextHandler(said, nil))
	_, stop := run(t, cfg, src)
	for range n - 1 { // each connection has one acknowledged
		await(t, durable, "a message to be durable")
		b.Drop()
	}
	await(t, src.all, "all to be durable")
	stop()
	lines := said.With("same client id")
	if len(lines) != 1 || src.parked > 0 || !strings.Contains(lines[0], "level=ERROR") ||
		!strings.Contains(lines[0], "another uplink.client_id for each") {
		t.Errorf("parked %d, told %q", src.parked, lines)
	}
	if after := said.With("connection to AWS lost"); len(after) != 12 { // of 14
		t.Errorf("%d lost connections are told, want those before it and the one with it:\n%s", len(after), after)
	}
}
