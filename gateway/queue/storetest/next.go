package storetest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/pass"
)

// Live passes go before a backlog, and can be asked for without waiting.
func lanes(t *testing.T, b *Bench) {
	var starts []int64
	for i := range 4 {
		b.MustAppend(Report("kitchen", "r", int64(i+1), "a"))
		p, _ := b.NextPass("f")
		starts = append(starts, p.Start)
	}
	for _, start := range starts {
		b.Release(start)
	}
	// Each closed as the next report came, 70 s after the one before.
	o := pass.Order{Live: Window + Grace + time.Second}
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
}

func waits(t *testing.T, b *Bench) {
	ctx, cancel := context.WithTimeout(t.Context(), Window)
	defer cancel()
	b.MustAppend(Report("kitchen", "r", 1, "a"))
	if p, err := b.Next(ctx, pass.Order{}, "f"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %+v, %v before the grace has passed, want to wait", p, err)
	}
	got := make(chan error, 1)
	go func() {
		_, err := b.Next(t.Context(), pass.Order{}, "f")
		got <- err
	}()
	synctest.Wait()
	time.Sleep(Grace + time.Second)
	synctest.Wait()
	select {
	case err := <-got:
		if err != nil {
			t.Error(err)
		}
	default:
		t.Error("Next was not woken when the pass closed")
	}
}

// What is in hand is returned to nobody else, until it is given back or the store is opened again.
func inHand(t *testing.T, b *Bench) {
	b.MustAppend(Report("kitchen", "r", 1, "a"))
	p, _ := b.NextPass("f")
	atOnce := pass.Order{LiveOnly: true}
	if again, err := b.Next(t.Context(), atOnce, "f"); !errors.Is(err, pass.ErrNone) {
		t.Errorf("got %d, %v, want none beside the one in hand", again.Start, err)
	}
	b.Release(p.Start)
	for _, again := range []func(){func() {}, b.Crash} {
		again()
		if got, err := b.Next(t.Context(), atOnce, "f"); err != nil || got.Start != p.Start {
			t.Errorf("got %d, %v, want %d, which is in nobody's hand", got.Start, err, p.Start)
		}
	}
}
