package agent_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/agent/agent"
	"piway/shared/config"
	"piway/shared/mqttlink"
	"piway/shared/mqttlink/fakebroker"
	"piway/shared/sample"
)

const patience = 20 * time.Second

func quick(t *testing.T, b *fakebroker.Broker) agent.Config {
	t.Helper()
	cfg := agent.Default()
	cfg.Device = "kitchen"
	cfg.Gateway.Address, cfg.Gateway.Password = b.Addr(), "hush"
	cfg.Collect.Interval = 100 * time.Millisecond
	cfg.Collect.Disks, cfg.Collect.Folder = []string{t.TempDir()}, ""
	cfg.Spool.Dir = ""
	return cfg
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// nextReport returns the next report and the connection on which it came.
func nextReport(t *testing.T, b *fakebroker.Broker) (sample.Report, int) {
	t.Helper()
	for {
		select {
		case p := <-b.Publishes:
			if p.Topic != "pi/kitchen/samples" {
				continue
			}
			m, err := sample.Decode(p.Payload)
			again, jerr := m.Report.JSON()
			if err != nil || len(m.Refused) != 0 || jerr != nil || !bytes.Equal(again, p.Payload) {
				t.Fatalf("report %s: %v %v, read as %s", p.Payload, m.Refused, err, again)
			}
			return m.Report, p.Conn
		case <-time.After(patience):
			t.Fatal("no report")
		}
	}
}

func TestRun_resends_a_report_as_it_was(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	b.Puback = func(p fakebroker.Publish) bool { return p.Conn > 1 || strings.HasSuffix(p.Topic, "/status") }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- agent.Run(ctx, quick(t, b), quiet()) }()
	if hello := <-b.Connects; hello.ClientID != "kitchen" || hello.Username != "kitchen" || hello.Password != "hush" {
		t.Errorf("CONNECT: got %+v", hello)
	}
	first := map[int64]sample.Report{}
	for range 3 {
		r, _ := nextReport(t, b)
		first[r.Seq] = r
	}
	b.Drop()
	for want := int64(1); want <= 3; {
		again, conn := nextReport(t, b)
		if conn == 1 {
			first[again.Seq] = again // sent before the connection was cut
			continue
		}
		if again.Seq != want || again.Sent <= first[want].Sent {
			t.Fatalf("got seq %d sent %f, want %d sent after %f", again.Seq, again.Sent, want, first[want].Sent)
		}
		again.Sent, again.SentUptime = first[want].Sent, first[want].SentUptime
		if diff := cmp.Diff(first[want], again); diff != "" {
			t.Errorf("report %d has changed: %s", want, diff)
		}
		want++
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: got %v, want nil", err)
	}
}

func TestRun_gives_pending_reports_time(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	release := make(chan struct{})
	b.Puback = func(p fakebroker.Publish) bool {
		if strings.HasSuffix(p.Topic, "/samples") {
			<-release
		}
		return true
	}
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- agent.Run(ctx, quick(t, b), slog.New(slog.NewTextHandler(&log, nil))) }()
	nextReport(t, b)
	cancel()
	close(release)
	if err := <-done; err != nil {
		t.Errorf("Run: got %v, want nil", err)
	}
	if strings.Contains(log.String(), "not acknowledged") {
		t.Errorf("a report was given up:\n%s", &log)
	}
}

func TestRun_ends_without_a_gateway(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // only its silence is of interest
	cfg := agent.Default()
	cfg.Gateway.Address = l.Addr().String() // accepts and stays silent
	cfg.Spool.Dir = ""
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := agent.Run(ctx, cfg, quiet()); err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

func TestRun_bad_configuration(t *testing.T) {
	t.Parallel()
	if err := agent.Run(t.Context(), agent.Config{}, quiet()); err == nil {
		t.Error("got nil, want an error")
	}
}

func TestOnce_and_Publish(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	cfg := quick(t, b)
	r, err := agent.Once(t.Context(), cfg, quiet())
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range r.Samples {
		names[s.Name] = true
	}
	if r.Device != "kitchen" || r.Seq != 1 || len(r.Run) != 32 || !names["cpu usage"] || !names["memory usage"] ||
		!names["disk usage "+cfg.Collect.Disks[0]] {
		t.Errorf("got %+v", r)
	}
	if err := agent.Publish(t.Context(), cfg, r, quiet()); err != nil {
		t.Error(err)
	}
	if hello := <-b.Connects; hello.ClientID == "kitchen" || hello.WillTopic != "" {
		t.Errorf("a single report must not disturb the agent that runs: %+v", hello)
	}
	got, _ := nextReport(t, b)
	got.Sent, got.SentUptime = 0, 0
	if diff := cmp.Diff(r, got); diff != "" {
		t.Error(diff)
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	if at, err := agent.Probe(t.Context(), quick(t, b), quiet()); err != nil || at.Address != b.Addr() {
		t.Errorf("got %v, %v", at, err)
	}
	refusing := fakebroker.New(t, nil)
	refusing.Connack = func(fakebroker.Connect) int { return 5 }
	_, err := agent.Probe(t.Context(), quick(t, refusing), quiet())
	if !errors.Is(err, mqttlink.ErrLogin) || !strings.Contains(config.Hint(err), "device add") {
		t.Errorf("got %v, want a refused login with a hint", err)
	}
}
