package uplink_test

import (
	"testing"
	"time"

	"piway/shared/mqttlink/fakebroker"
)

// PUBACKs are gathered, so that few commits do for them: until the window is nearly used, and at the end.
func TestUplink_gathersPubacks(t *testing.T) {
	const window = 10
	for n, nearlyUsed := range map[int]bool{8: false, 30: true} {
		b := fakebroker.New(t, nil)
		src := newSource(n)
		calls, sum, most := 0, 0, make(chan struct{})
		src.acked = func(n int) error { // one call at a time
			calls++
			if sum += n; sum >= src.n-window && sum-n < src.n-window {
				close(most)
			}
			return nil
		}
		cfg := settings(b)
		cfg.Window, cfg.SettleAfter = window, time.Hour
		_, stop := run(t, cfg, src)
		payloads(t, b, n)
		if nearlyUsed {
			await(t, most, "all but a window to be durable")
		}
		stop()
		if !nearlyUsed && calls > 1 {
			t.Errorf("the source was told %d times of %d messages in a window of %d", calls, n, window)
		}
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
