package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
)

// A misfortune is what happened to a machine's disk, and how.
type misfortune struct {
	chance  *rand.Rand
	say     func(format string, args ...any)
	failed  int // writes
	sectors int // that were in the disk's cache alone, and lost

	// end stops the program where the plan means it.
	end func(context.Context) error
}

// strike follows a plan from its errors to the cut, before which it calls last. File is what lies on the blocks that fail,
// where the plan means it.
func (m *misfortune) strike(ctx context.Context, on *machine, p plan, file string, last func()) error {
	if p.errors != noErrors {
		if err := m.fail(ctx, on, p, file); err != nil {
			return err
		}
	}
	var group errgroup.Group
	if p.kill {
		m.say("the program is ended")
		group.Go(func() error { return m.end(ctx) })
	}
	wait(ctx, p.after)
	err := group.Wait()
	last()
	if cutErr := m.cut(on); cutErr != nil {
		return cutErr
	}
	if n := on.disk.heal(); p.errors == logDies {
		m.failed = n
	}
	return err
}

// fail lets writes fail for as long as the plan says, and until one did.
func (m *misfortune) fail(ctx context.Context, on *machine, p plan, file string) (err error) {
	spans := []span{on.data}
	if p.errors != dataFails {
		if spans, err = on.where(ctx, file); err != nil {
			return err
		}
	}
	m.say("writes fail: %s, %d extents", p.errors, len(spans))
	on.disk.fail(spans)
	wait(ctx, p.length)
	for range failTime / failLook {
		if on.disk.failures() > 0 || ctx.Err() != nil {
			break
		}
		wait(ctx, failLook)
	}
	if p.errors != logDies {
		m.failed = on.disk.heal()
		m.say("writes succeed, %d failed", m.failed)
	}
	return nil
}

const (
	// failTime is how much longer the errors last if no write failed.
	failTime = 10 * time.Second
	failLook = 50 * time.Millisecond
)

// cut cuts the power.
func (m *misfortune) cut(on *machine) error {
	m.say("power cut")
	n, err := on.cut(m.chance)
	m.sectors += n
	return err
}

// again starts what the power cut ended, twice if the plan says so.
func (m *misfortune) again(ctx context.Context, on *machine, p plan, start func(context.Context) error) error {
	if err := start(ctx); err != nil || !p.again {
		return err
	}
	wait(ctx, p.within)
	if err := m.cut(on); err != nil {
		return err
	}
	return start(ctx)
}

// where asks the machine on which blocks a file lies.
func (m *machine) where(ctx context.Context, file string) (spans []span, err error) {
	out, err := m.run(ctx, "powercut --extents "+file)
	if err != nil {
		return nil, err
	}
	var pairs [][2]int64
	if err := json.Unmarshal([]byte(out), &pairs); err != nil {
		return nil, fmt.Errorf("reading where %s lies: %w: %s", file, err, out)
	}
	for _, p := range pairs {
		spans = append(spans, span{p[0], p[1]})
	}
	return spans, nil
}
