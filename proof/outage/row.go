package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/proof/world"
	"piway/shared/pki"
)

// A plan is what happens to a peer.
type plan struct {
	load      load
	span      time.Duration // of load while the upstream is away
	kills     []string      // killOutage, killDrain
	live      bool          // the Pis go on sending in real time when the backlog is in
	roundTrip time.Duration // of a publish to AWS
	quiet     time.Duration // nothing arrives for so long: the peer has stalled
	atMost    time.Duration // of the drain that is measured
}

const (
	killOutage = "outage"
	killDrain  = "drain"
)

// A result is a row of the table.
type result struct {
	peer   string
	span   time.Duration
	counts counts
	// held is how many samples came only when AWS's rate was lifted and the connection cut, after a stall or at the end
	// of what is measured.
	held int
	// reconnect is the time from the end of the outage to the first arrival, drain from there to the last arrival of
	// the backlog; whole says that all of it arrived by then, stalled that nothing came any more.
	reconnect, drain time.Duration
	whole, stalled   bool
	drained          int // samples that arrived in that time
	backlog          int // samples that were to arrive
	written          int64
	throttled        int64 // publishes that AWS discarded
	revived          int   // times that the forwarder had ended by itself
}

// A row is a run of one peer.
type row struct {
	plan

	peer  peer
	tally *tally
	up    *upstream
	fwd   forwarder
	fleet *fleet
	out   result
	say   func(format string, args ...any)
}

// runRow runs a peer through the plan, in a folder that is removed.
func runRow(ctx context.Context, p plan, who peer, prog programs, log *world.Log, say func(string, ...any)) (res result,
	err error,
) {
	dir, err := os.MkdirTemp("", "piway-outage-")
	if err != nil {
		return res, fmt.Errorf("making a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := &row{plan: p, peer: who, tally: newTally(p.load, time.Now), say: say, out: result{peer: who.name, span: p.span}}
	if r.up, err = openUpstream(ctx, filepath.Join(dir, "certs"), r.tally, p.roundTrip, log); err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, r.up.stop()) }()
	files, err := pki.Find(r.up.certs)
	if err != nil {
		return res, err
	}
	if r.fwd, err = who.open(ctx, &site{
		dir: dir, upstream: r.up, load: p.load, files: files, programs: prog,
		log: log,
	}); err != nil {
		return res, err
	}
	defer r.fwd.close()
	r.fleet = newFleet(p.load, r.fwd.door(), r.tally)
	defer r.fleet.close()
	if err := r.run(ctx); err != nil {
		return res, fmt.Errorf("%s: %w", who.name, err)
	}
	return r.out, nil
}

func (r *row) run(ctx context.Context) error {
	if err := r.up.connected(ctx); err != nil {
		return err
	}
	if err := r.up.cut(); err != nil {
		return err
	}
	if err := r.fill(ctx); err != nil {
		return err
	}
	living, stop := context.WithCancel(ctx)
	defer stop()
	both, during := errgroup.WithContext(ctx)
	if r.live {
		both.Go(func() error { return r.fleet.live(during, living) })
	}
	both.Go(func() error {
		defer stop()
		return r.drain(during)
	})
	if err := both.Wait(); err != nil {
		return err
	}
	return r.end(ctx)
}

// fill lets the Pis send the load of the outage, as fast as it is taken.
func (r *row) fill(ctx context.Context) error {
	window := int64(r.load.window / time.Second)
	end := time.Now().Unix() / window * window
	start := end - int64(r.span/time.Second)
	middle := (start + int64(r.span/time.Second)/2) / window * window
	if r.live {
		// The window in which an outage began is the first that waits; it is a small one.
		first := start + window
		if err := errors.Join(r.fleet.send(ctx, start, first, 0, nil), r.age(ctx)); err != nil {
			return err
		}
		start = first
	}
	began := time.Now()
	if err := r.fleet.send(ctx, start, middle, r.fwd.step(), r.fwd.tick); err != nil {
		return err
	}
	if slices.Contains(r.kills, killOutage) {
		if err := r.fwd.kill(ctx); err != nil {
			return err
		}
	}
	if err := r.fleet.send(ctx, middle, end, r.fwd.step(), r.fwd.tick); err != nil {
		return err
	}
	r.tally.goLive(end)
	r.say("%s of load sent and acknowledged in %s, %d samples", r.span, time.Since(began).Round(time.Second),
		r.tally.look().Acked)
	if r.live {
		return r.age(ctx)
	}
	return nil
}

// age waits until the windows in which load was sent so far are no live ones any more. In an outage of real length
// they are hours old; here all of it was sent in the last minutes.
func (r *row) age(ctx context.Context) error {
	wait := time.NewTimer(r.load.window + r.load.grace() + liveFor)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain mends the line and waits for the backlog.
func (r *row) drain(ctx context.Context) error {
	backlog := r.tally.look().backlog
	r.out.backlog = backlog
	r.tally.mark()
	mended := time.Now()
	if err := r.up.mend(); err != nil {
		return err
	}
	kill := slices.Contains(r.kills, killDrain)
	for {
		state := r.tally.look()
		if kill && state.backlog < backlog/2 {
			kill = false
			r.say("half of it has arrived, killing")
			if err := r.fwd.kill(ctx); err != nil {
				return err
			}
		}
		if err := r.revive(ctx); err != nil {
			return err
		}
		if over, err := r.wait(ctx, state, mended); over || err != nil {
			return err
		}
	}
}

// reviveEvery is how often it is looked whether the forwarder has ended by itself.
const reviveEvery = time.Second

func (r *row) revive(ctx context.Context) error {
	revived, err := r.fwd.revive(ctx)
	if revived {
		r.out.revived++
	}
	return err
}

// reconnectTime is what a forwarder gets at least until its first sample comes.
const reconnectTime = 30 * time.Second

// wait waits for the next arrival. It reports true, and books the drain, when there is nothing more to wait for.
func (r *row) wait(ctx context.Context, state look, mended time.Time) (over bool, err error) {
	now, last, quiet := time.Now(), mended, max(r.quiet, reconnectTime)
	if !state.lastOld.IsZero() {
		last, quiet = state.lastOld, r.quiet
	}
	left := min(quiet-now.Sub(last), r.atMost-now.Sub(mended))
	if state.backlog == 0 || left <= 0 {
		r.book(state, mended, now.Sub(last) >= quiet)
		return true, nil
	}
	return false, arrival(ctx, state, left)
}

// arrival waits for the next one, but no longer than left, and than it may take to notice that the forwarder has ended.
func arrival(ctx context.Context, state look, left time.Duration) error {
	timer := time.NewTimer(min(left, reviveEvery))
	defer timer.Stop()
	select {
	case <-state.changed:
	case <-timer.C:
	case <-ctx.Done():
		return fmt.Errorf("waiting for %d samples: %w", state.Lost, ctx.Err())
	}
	return nil
}

// book keeps what the drain was like.
func (r *row) book(state look, mended time.Time, quiet bool) {
	r.out.whole = state.backlog == 0
	r.out.stalled = quiet && !r.out.whole
	r.out.drained = r.out.backlog - state.backlog
	r.out.throttled = r.up.counts().Throttled
	if !state.lastOld.IsZero() {
		r.out.reconnect, r.out.drain = state.first.Sub(mended), state.lastOld.Sub(state.first)
	}
}

// end waits for the last samples, if need be without AWS's rate, and fills in the result.
func (r *row) end(ctx context.Context) error {
	before := r.tally.look()
	if !r.out.whole {
		r.say("%d of %d samples have arrived, lifting AWS's rate for the rest", before.Delivered, before.Acked)
		if err := r.up.lift(); err != nil {
			return err
		}
	}
	if err := r.rest(ctx); err != nil {
		return err
	}
	after := r.tally.look()
	if !r.out.whole {
		r.out.held = after.Delivered - before.Delivered
	}
	r.out.counts, r.out.written = after.counts, r.fwd.written()
	if after.Lost > 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.quiet)
	defer cancel()
	return r.fwd.settled(ctx)
}

// afterLast is how long something that is sent twice may come after the last sample.
const afterLast = 3 * time.Second

// rest waits until all has arrived and a little longer, or nothing has for the quiet time.
func (r *row) rest(ctx context.Context) error {
	began := time.Now()
	for {
		state := r.tally.look()
		wait := r.quiet
		if state.Lost == 0 {
			wait = afterLast
		}
		from := state.last
		if from.Before(began) {
			from = began
		}
		left := wait - time.Since(from)
		if left <= 0 {
			return nil
		}
		if err := errors.Join(r.revive(ctx), arrival(ctx, state, left)); err != nil {
			return err
		}
	}
}
