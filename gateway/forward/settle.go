package forward

import (
	"context"
	"slices"

	"piway/gateway/pass"
)

// Acked moves the durable position behind the n oldest messages handed out, all in one transaction: after an error
// nothing has moved. It may wait for what else becomes durable, until Hurry.
func (f *Forwarder) Acked(ctx context.Context, n int) error {
	return f.settle(ctx, n, acked, f.cfg.Store.SettleSoon)
}

// Hurry has Acked wait for nothing, the running one or the next. It does not block.
func (f *Forwarder) Hurry() { f.cfg.Store.Hurry() }

// Park sets the oldest message handed out aside: its datums wait on the disk, are counted as parked, and are tried
// again once a day and at each start. nil means that this is durable; after an error nothing has changed.
func (f *Forwarder) Park(ctx context.Context) error {
	return f.settle(ctx, 1, parked, f.cfg.Store.Settle)
}

// A change is what settling a message with the datums from..to-1 makes of its pass.
type change func(p pass.Pass, from, to int) pass.Pass

// A settler is a way to make that durable.
type settler func(ctx context.Context, done []pass.Done, moved []pass.Pass) error

// settle makes durable, by a way, what change makes of the passes of the n oldest messages.
func (f *Forwarder) settle(ctx context.Context, n int, change change, by settler) error {
	steps := f.plan(n, change)
	var done []pass.Done
	var moved []pass.Pass
	for _, s := range steps {
		switch {
		case s.left == 0 && s.pass.Parked.Empty():
			done = append(done, s.h.done(f.expired))
		case s.left == 0 || s.parkedChanged:
			moved = append(moved, s.h.shelve(s.pass, s.left))
		default:
			moved = append(moved, s.pass)
		}
	}
	if err := by(ctx, done, moved); err != nil {
		return err
	}
	for _, h := range f.apply(n, steps, change) {
		if err := f.finish(ctx, h); err != nil {
			f.cfg.Log.Error("finishing a pass failed, trying again", "pass", h.pass.Start, "err", err)
		}
	}
	return nil
}

// A step is what settling messages makes of one pass in hand.
type step struct {
	h             *inHand
	pass          pass.Pass
	left          int // open datums
	parkedChanged bool
}

// plan says what settling the n oldest messages makes of their passes.
func (f *Forwarder) plan(n int, change change) []step {
	f.mu.Lock()
	defer f.mu.Unlock()
	var steps []step
	for _, r := range f.handed[:n] {
		i := slices.IndexFunc(steps, func(s step) bool { return s.h == r.h })
		if i < 0 {
			i = len(steps)
			steps = append(steps, step{h: r.h, pass: r.h.pass, left: r.h.open})
		}
		s := &steps[i]
		before := s.pass.Parked.Len()
		s.pass = change(s.pass, r.from, r.to)
		s.parkedChanged = s.parkedChanged || s.pass.Parked.Len() != before
		s.left -= r.to - r.from
	}
	return steps
}

// apply books what is durable. It returns the passes of which the last open datum expired while that was made so, and
// which nothing else would finish.
func (f *Forwarder) apply(n int, steps []step, change change) (late []*inHand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.handed[:n] {
		r.h.pass = change(r.h.pass, r.from, r.to)
		r.h.open -= r.to - r.from
	}
	f.handed = slices.Delete(f.handed, 0, n)
	for _, s := range steps {
		switch {
		case s.left == 0:
		case s.h.open == 0:
			late = append(late, s.h)
		default:
			f.release(s.h)
		}
	}
	f.settled = append(f.settled, late...)
	return late
}
