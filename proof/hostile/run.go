package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/gateway/queue/ledger"
	"piway/proof/world"
)

const (
	// patience is how long after the attack acknowledgements and samples may come; also what the cloud may be late.
	patience = time.Minute
	// calmTime is how long it takes until memory must be as it was; an attack may end in less, which says nothing.
	calmTime = 2 * time.Minute
	// Memory and descriptors are as they were when there is at most so much more.
	moreMemory = 64 << 20
	moreFiles  = 8
)

// run lets the phase happen, and says what came of it.
func (s *site) run(ctx context.Context, o options) (r *result, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	living, still := context.WithCancel(ctx)
	defer still()
	var taking errgroup.Group
	taking.Go(func() error { return s.taking(ctx) })
	defer func() { cancel(); err = errors.Join(err, taking.Wait()) }()
	ending, giveUp := context.WithCancel(ctx)
	defer giveUp()
	honest := world.LiveAll(ending, living, s.devices)
	defer func() { giveUp(); _ = honest.Wait() }() // it was counted, or there is another error to tell
	warm, end := context.WithTimeout(ctx, startTime)
	defer end()
	if !s.samples.Wait(warm, func(c world.Counts) bool { return c.Acked >= deviceCount }) {
		return nil, errors.New("the honest devices do not get through before the attack")
	}
	r = &result{phase: s.phase, notYet: notYet, length: o.For, before: lookAt(s.gateway.PID()), quiet: s.log.n.Load()}
	joining := make(chan struct{})
	go func() {
		defer close(joining)
		world.Wait(ctx, o.For/4)
		r.join, r.joinErr = s.late(ctx, o.For+patience)
	}()
	err = s.attack(ctx, o.For, r)
	<-joining
	if err != nil {
		return nil, err
	}
	r.after, r.calm = s.calm(ctx, r.before, o.After), o.After
	r.peak = max(r.peak, r.after.peak)
	r.logged = s.log.n.Load() - r.quiet
	still()
	// From now on it is only waited for what is under way.
	late, end := context.WithDeadline(ctx, r.ended.Add(window+patience))
	defer end()
	stop := context.AfterFunc(late, giveUp)
	defer stop()
	_ = honest.Wait() // what was not acknowledged is counted
	s.settled(late)
	cancel()
	if err := taking.Wait(); err != nil {
		return nil, err
	}
	return r, s.count(r)
}

// settled waits until all that was acknowledged is in the cloud, or nothing of the honest devices waits for it.
func (s *site) settled(ctx context.Context) {
	_ = world.Poll(ctx, "", func() (bool, error) { // what is not there then is judged by the figures
		if s.samples.Verdict().Lost == 0 || !s.gateway.Running() {
			return true, nil
		}
		all, err := world.Ledger(ctx, s.data)
		return err == nil && s.honest(all).Waiting == 0, nil
	})
}

// honest is the sum of the honest devices' accounts.
func (s *site) honest(all []ledger.Account) ledger.Account {
	return ledger.Sum(slices.DeleteFunc(all, func(a ledger.Account) bool {
		return !slices.ContainsFunc(s.devices, func(d *world.Device) bool { return d.Name == a.Device })
	}))
}

// taking books what comes to the cloud until ctx ends.
func (s *site) taking(ctx context.Context) error {
	for {
		if err := s.take(); err != nil || ctx.Err() != nil {
			return err
		}
		world.Wait(ctx, 50*time.Millisecond)
	}
}

// attack lets the hostile do it, while the cloud is away if that belongs to it.
func (s *site) attack(ctx context.Context, length time.Duration, r *result) error {
	if s.phase.away {
		s.core.Broker().Drop()
		if err := s.core.SetFault("offline", "", length+startTime); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	watched := make(chan int64)
	go func() { watched <- s.watch(ctx, cancel) }()
	r.began = time.Now()
	a := newAttacker(s)
	s.phase.attack(ctx, a)
	r.ended, r.dialed, r.sent, r.in = time.Now(), a.dialed.Load(), a.sent.Load(), a.in.Load()
	cancel()
	r.peak = <-watched
	if s.phase.away {
		return s.core.SetFault("offline", "", 0)
	}
	return nil
}

// calm waits until descriptors are as before, and for the most given until memory is; it returns what they are.
func (s *site) calm(ctx context.Context, before look, most time.Duration) (l look) {
	ctx, cancel := context.WithTimeout(ctx, max(most, patience))
	defer cancel()
	begun := time.Now()
	_ = world.Poll(ctx, "", func() (bool, error) { // whether they are is judged by their figures
		l = lookAt(s.gateway.PID())
		memory := l.resident <= before.resident+moreMemory || time.Since(begun) > most
		return memory && l.files <= before.files+moreFiles, nil
	})
	return l
}
