package main

import (
	"context"
	"io"
	"testing"
	"time"

	"piway/proof/world"
)

// The outage in seconds: four minutes of load, a kill in the middle, forwarders that connect at once.
var testPlan = plan{
	load: load{pis: 2, metrics: 1, every: time.Second, window: 4 * time.Second}, span: 4 * time.Minute,
	kills: []string{killOutage}, roundTrip: 12 * time.Millisecond, quiet: 3 * time.Second, atMost: time.Minute,
}

func runTest(t *testing.T, p plan, who peer, prog programs) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	r, err := runRow(ctx, p, who, prog, world.NewLog(io.Discard), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if r.counts.strange > 0 {
		t.Errorf("%d datums are no mean of samples", r.counts.strange)
	}
	if got, want := r.counts.Acked, 240*2; got < want || got > want && !p.live {
		t.Errorf("acknowledged: got %d samples, want %d", got, want)
	}
	return r
}

func TestRow_piway(t *testing.T) {
	t.Parallel()
	program := world.Built(t).Gateway
	for _, form := range []string{"metric", "emf"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			who := peer{name: form, open: piwayOf(form, ", connect_interval: 1s, max_backoff: 1s")}
			p := testPlan
			p.quiet = 30 * time.Second // longer than a window stays open
			p.live = world.Long()
			r := runTest(t, p, who, programs{gateway: program})
			if c := r.counts; c.Delivered != c.Acked || c.Lost != 0 || c.Twice != 0 || !r.whole || r.throttled > 0 {
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
	if !world.Long() {
		t.Skip("it is no promise of ours; make proof runs it")
	}
	program := world.LookTool("mosquitto")
	if program == "" {
		t.Skip("mosquitto is not installed (Debian: apt install mosquitto)")
	}
	who := peer{name: "mosquitto", open: mosquittoBridge(time.Minute, append(durable(), "max_inflight_messages 1"),
		[]string{"restart_timeout 1"})}
	r := runTest(t, testPlan, who, programs{mosquitto: program})
	if got, want := r.counts.Lost, 60*2; got != want {
		t.Errorf("lost: got %d samples, want %d, a minute of two Pis'", got, want)
	}
	if r.counts.Delivered+r.counts.Lost != r.counts.Acked || r.throttled > 0 {
		t.Errorf("got %+v, want all else delivered", r)
	}
}
