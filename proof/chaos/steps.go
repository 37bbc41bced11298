package main

import (
	"context"
	"time"

	"piway/proof/world"
)

// Clocks of gateways without a battery: they start where they were when they were last switched off, or anywhere, and
// are set right by the network some seconds later. The last is for once.
var boots = []time.Duration{
	-480 * time.Hour, -20 * time.Hour, -90 * time.Minute, -40 * time.Second, 50 * time.Minute,
	9600 * time.Hour,
}

// clocks adds what clocks do. A clock that says it is right while it is not is off by less than an hour, since what is
// too old or too far ahead by such a clock is refused, and rightly; and by more than a message may be under way: less
// is taken for a delay, and dates a device without a clock wrongly for up to an hour after that.
func (w *site) clocks(t *track) {
	lie := func() time.Duration {
		return t.between(17*time.Minute, time.Hour).Round(time.Second) * time.Duration(1-2*t.rng.IntN(2))
	}
	ahead := false
	boot := func() time.Duration {
		n := len(boots)
		if ahead {
			n--
		}
		i := t.rng.IntN(n)
		ahead = ahead || i == len(boots)-1
		return boots[i]
	}
	t.add("gateway's clock stepped while it runs", func(ctx context.Context) error { return w.off(ctx, t, lie(), true) })
	t.add("gateway's clock lost and found while it runs",
		func(ctx context.Context) error { return w.off(ctx, t, lie(), false) })
	t.add("gateway started with a clock that lies",
		func(ctx context.Context) error { return w.begin(ctx, t, lie(), true) })
	t.add("gateway started with a clock that is not set",
		func(ctx context.Context) error { return w.begin(ctx, t, boot(), false) })
	for _, a := range w.agents {
		step := func() error {
			if t.rng.IntN(2) == 0 {
				return a.clock.right()
			}
			return a.clock.set(lie(), false)
		}
		t.add("agent started with another clock", t.restart(a.Process, step))
		t.add("agent's clock stepped while it runs", func(context.Context) error { return step() })
	}
}

// off lets the clock of the running gateway be wrong for some seconds.
func (w *site) off(ctx context.Context, t *track, offset time.Duration, synced bool) error {
	if err := w.clock.set(offset, synced); err != nil {
		return err
	}
	world.Wait(ctx, t.between(time.Second, 6*time.Second))
	return w.clock.right()
}

// begin starts the gateway with a wrong clock, which becomes right some seconds later.
func (w *site) begin(ctx context.Context, t *track, offset time.Duration, synced bool) error {
	w.gateway.Kill()
	if err := w.clock.set(offset, synced); err != nil {
		return err
	}
	if err := w.gateway.Start(ctx); err != nil {
		return err
	}
	world.Wait(ctx, t.between(2*time.Second, 8*time.Second))
	return w.clock.right()
}
