package queue_test

import (
	"errors"
	"testing"
	"time"

	"piway/gateway/pass"
)

// Live passes go before a backlog, and can be asked for without waiting.
func TestNext_lanes(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var starts []int64
		for i := range 4 {
			b.mustAppend(report("kitchen", "r", int64(i+1), "a"))
			p, _ := b.next("f")
			starts = append(starts, p.Start)
		}
		for _, start := range starts {
			b.Release(start)
		}
		// Each closed as the next report came, 70 s after the one before.
		o := pass.Order{Live: window + grace + time.Second}
		for _, want := range []int64{starts[2], starts[3], starts[0], starts[1]} {
			p, err := b.Next(t.Context(), o, "f")
			if err != nil || p.Start != want {
				t.Fatalf("got %d, %v, want %d", p.Start, err, want)
			}
		}
		o.LiveOnly = true
		if p, err := b.Next(t.Context(), o, "f"); !errors.Is(err, pass.ErrNone) {
			t.Errorf("got %d, %v, want none at once", p.Start, err)
		}
		if n, oldest, err := b.Backlog(t.Context()); n != 4 || oldest != starts[0] || err != nil {
			t.Errorf("got a backlog of %d from %d, %v, want 4 from %d", n, oldest, err, starts[0])
		}
	})
}
