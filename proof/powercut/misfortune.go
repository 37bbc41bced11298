package main

import (
	"context"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/proof/powercut/vm"
	"piway/proof/world"
)

// A misfortune is what happened to a machine's disk, and how.
type misfortune struct {
	chance  *rand.Rand
	say     func(format string, args ...any)
	failed  int  // writes
	sectors int  // that were in the disk's cache alone, and lost
	stopped bool // the file system gave up

	log     string   // the program's, on whose blocks writes fail
	folders []string // of the program's files

	// end stops the program where the plan means it.
	end func(context.Context) error
}

// strike follows a plan from its errors to the cut, before which it calls last.
func (m *misfortune) strike(ctx context.Context, on *vm.Machine, p plan, last func()) error {
	if p.errors != noErrors {
		if err := m.fail(ctx, on, p); err != nil {
			return err
		}
	}
	var group errgroup.Group
	if p.kill {
		m.say("the program is ended")
		group.Go(func() error { return m.end(ctx) })
	}
	world.Wait(ctx, p.after)
	err := group.Wait()
	last()
	m.stopped = on.Said("Detected aborted journal") > 0
	if cutErr := m.cut(on); cutErr != nil {
		return cutErr
	}
	if n := on.Heal(); p.errors == logDies {
		m.failed = n
	}
	return err
}

// target are the blocks that fail. Those of folders are the file system's own.
func (m *misfortune) target(ctx context.Context, on *vm.Machine, kind string) ([]vm.Span, error) {
	if kind == dataFails {
		holes, err := on.Where(ctx, append(m.folders, "/data")...)
		return vm.Without([]vm.Span{on.Files}, holes), err
	}
	spans, err := on.Where(ctx, m.log)
	if n := len(spans); n > 0 {
		spans[n-1].To += growth
	}
	return spans, err
}

// fail lets writes fail for as long as the plan says, and until one did.
func (m *misfortune) fail(ctx context.Context, on *vm.Machine, p plan) error {
	spans, err := m.target(ctx, on, p.errors)
	if err != nil {
		return err
	}
	m.say("writes fail: %s, %d extents", p.errors, len(spans))
	on.Fail(spans)
	world.Wait(ctx, p.length)
	for range failTime / failLook {
		if on.Failures() > 0 || ctx.Err() != nil {
			break
		}
		world.Wait(ctx, failLook)
	}
	if p.errors != logDies {
		m.failed = on.Heal()
		m.say("writes succeed, %d failed", m.failed)
	}
	return nil
}

const (
	// failTime is how much longer the errors last if no write failed.
	failTime = 10 * time.Second
	failLook = 50 * time.Millisecond
	// growth are the bytes behind a log that fail with it: where it goes on.
	growth = 1 << 20
)

// cut cuts the power.
func (m *misfortune) cut(on *vm.Machine) error {
	m.say("power cut")
	n, err := on.Cut(m.chance)
	m.sectors += n
	return err
}

// again starts what the power cut ended, twice if the plan says so.
func (m *misfortune) again(ctx context.Context, on *vm.Machine, p plan, start func(context.Context) error) error {
	if err := start(ctx); err != nil || !p.again {
		return err
	}
	world.Wait(ctx, p.within)
	if err := m.cut(on); err != nil {
		return err
	}
	return start(ctx)
}
