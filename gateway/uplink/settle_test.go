package uplink_test

import (
	"slices"
	"testing"
	"time"

	"piway/shared/mqttlink/fakebroker"
)

// PUBACKs are gathered, so that few commits do for them: until the window is nearly used, and at the end.
func TestUplink_gathersPubacks(t *testing.T) {
	const window, n = 10, 30
	b := fakebroker.New(t, nil)
	src := newSource(n)
	var told []int
	sum, most := 0, make(chan struct{})
	src.acked = func(n int) error { // one call at a time
		told = append(told, n)
		if sum += n; sum >= src.n-window && sum-n < src.n-window {
			close(most)
		}
		return nil
	}
	cfg := settings(b)
	cfg.Window, cfg.SettleAfter = window, time.Hour
	_, stop := run(t, cfg, src)
	payloads(t, b, n)
	await(t, most, "all but a window to be durable")
	stop()
	if got := src.sofar(); got < n-1 { // the last PUBACK may have come when it was over
		t.Errorf("%d of %d are durable at the end", got, n)
	}
	// The window is nearly used with nine: by then seven of them have their PUBACK, or the rest comes next.
	if len(told) > 10 || slices.Max(told) < 3 {
		t.Errorf("the source was told %v", told)
	}
}

// Who gathers tells the source after a while, whatever the window.
func TestUplink_gathersPubacks_forAWhile(t *testing.T) {
	const n = 3
	b := fakebroker.New(t, nil)
	src := newSource(n)
	cfg := settings(b)
	cfg.SettleAfter = 20 * time.Millisecond
	run(t, cfg, src)
	await(t, src.all, "all to be durable")
}

// A source that waits is hurried when most of the window waits for it, and when the uplink ends.
func TestUplink_hurriesTheSource(t *testing.T) {
	const window, n = 10, 40
	b := fakebroker.New(t, nil)
	src := newSource(n)
	src.acked = func(int) error {
		select {
		case <-src.hurry:
		case <-time.After(patience):
			t.Error("the source is not hurried")
		}
		return nil
	}
	cfg := settings(b)
	cfg.Window = window
	_, stop := run(t, cfg, src)
	payloads(t, b, n-window) // which is more than fits without it
	stop()
}
