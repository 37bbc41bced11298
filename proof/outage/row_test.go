package main

import (
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"piway/proof/rig"
)

// The outage in seconds: four minutes of load, a kill in the middle, forwarders that connect at once.
var testPlan = plan{
	load: load{pis: 2, metrics: 1, every: time.Second, window: 4 * time.Second}, span: 4 * time.Minute,
	kills: []string{killOutage}, roundTrip: 12 * time.Millisecond, quiet: 4 * time.Second, atMost: time.Minute,
}

func runTest(t *testing.T, p plan, who peer, prog programs) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	r, err := runRow(ctx, p, who, prog, io.Discard, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if r.counts.strange > 0 {
		t.Errorf("%d datums are no mean of samples", r.counts.strange)
	}
	if got, want := r.counts.acked, 240*2; got != want {
		t.Errorf("acknowledged: got %d samples, want %d", got, want)
	}
	return r
}

func TestRow_piway(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "piway-gateway")
	if text, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "piway/gateway").CombinedOutput(); err != nil {
		t.Fatalf("building: %v: %s", err, text)
	}
	for _, form := range []string{"metric", "emf"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			who := peer{name: form, open: piwayOf(form, ", connect_interval: 1s, max_backoff: 1s")}
			p := testPlan
			p.quiet = 30 * time.Second // longer than a window stays open
			r := runTest(t, p, who, programs{gateway: program})
			if c := r.counts; c.delivered != c.acked || c.lost != 0 || c.duplicated != 0 || !r.whole || r.throttled > 0 {
				t.Errorf("got %+v, want all delivered once", r)
			}
			if r.written == 0 {
				t.Error("the gateway wrote nothing to disk, or that was not read")
			}
		})
	}
}

// What mosquitto acknowledged since it last saved is lost with the process, and with nothing else.
func TestRow_mosquitto(t *testing.T) {
	t.Parallel()
	program := rig.LookTool("mosquitto")
	if program == "" {
		t.Skip("mosquitto is not installed (Debian: apt install mosquitto)")
	}
	who := peer{name: "mosquitto", open: mosquittoBridge(time.Minute, append(durable(), "max_inflight_messages 1"), []string{"restart_timeout 1"})}
	r := runTest(t, testPlan, who, programs{mosquitto: program})
	if got, want := r.counts.lost, 60*2; got != want {
		t.Errorf("lost: got %d samples, want %d, a minute of two Pis'", got, want)
	}
	if r.counts.delivered+r.counts.lost != r.counts.acked || r.throttled > 0 {
		t.Errorf("got %+v, want all else delivered", r)
	}
}
