package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/gateway/queue/ledger"
	"piway/proof/world"
)

// A result is what a run came to.
type result struct {
	verdict

	events      map[string]int
	connections int // of the gateway to AWS
	again       int // how many may come again beside, by the upstream's own ends
	drain       time.Duration
	accounts    []ledger.Account
	dialed      bool // the agents tell when they measured
}

// chaos lets things go wrong, heals them, and looks at what came of it.
func (w *site) chaos(ctx context.Context, o options, log io.Writer) (*result, error) {
	say := func(text string) {
		_, _ = fmt.Fprintln(log, text) // for who looks on
	}
	living, stop := context.WithTimeout(ctx, o.For)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, o.For+o.Drain)
	defer cancel()
	senders := world.LiveAll(ctx, living, w.devices)
	tracks := []*track{w.processes(o.Seed, o.Flips, say), w.lines(o.Seed, say), w.stalls(living, o.Seed, say)}
	var all errgroup.Group
	for _, t := range tracks {
		t.only(o.Only)
		all.Go(func() error { return t.run(ctx, living) })
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	say("healed")
	if err := w.heal(ctx); err != nil {
		return nil, err
	}
	if err := senders.Wait(); err != nil {
		return nil, err
	}
	for _, a := range w.agents {
		_ = a.Stop() // hands on what it has
	}
	begun := time.Now()
	accounts, err := world.Drained(ctx, w.data, func(waiting int64) { say(fmt.Sprint(waiting, " samples wait")) })
	if err != nil {
		return nil, err
	}
	r := &result{
		events: map[string]int{}, connections: w.wan.Opened(), drain: time.Since(begun), accounts: accounts,
		dialed: w.dial != nil && len(w.agents) > 0,
	}
	for _, t := range tracks {
		for kind, n := range t.counts {
			r.events[kind] += n
		}
	}
	r.again = w.upstream.again * r.events[w.upstream.ended()]
	r.verdict, err = w.judge(ctx)
	return r, err
}

// recordTime is how much a record may lag that does.
const recordTime = 5 * time.Second

// judge waits a little for a record that lags.
func (w *site) judge(ctx context.Context) (v verdict, err error) {
	ctx, cancel := context.WithTimeout(ctx, recordTime)
	defer cancel()
	j := judge{samples: w.samples, clock: w.clock, dial: w.dial, dialName: "disk usage " + w.dialPath()}
	for {
		if err = j.judge(w.record); err != nil || j.verdict().Lost == 0 || !w.upstream.loose || ctx.Err() != nil {
			return j.verdict(), err
		}
		world.Wait(ctx, 200*time.Millisecond)
	}
}

// gone is how many reports the ledger says never came, or were dropped.
func (r *result) gone() (reports, dropped int64) {
	for i := range r.accounts {
		a := &r.accounts[i]
		reports += a.Missing + a.Late
		_, _, d := a.Totals()
		dropped += d
	}
	return reports, dropped
}

// check holds the result to the promises.
func (r *result) check(o options) error {
	errs := r.checkDatums()
	missing, dropped := r.gone()
	if o.Flips {
		if r.Lost > 0 && missing+dropped == 0 {
			errs = append(errs, fmt.Errorf("%d acknowledged samples are lost, and the ledger does not tell: %s", r.Lost,
				r.FirstLost))
		}
		return errors.Join(errs...)
	}
	if r.Lost > 0 {
		errs = append(errs, fmt.Errorf("%d acknowledged samples are lost: %s", r.Lost, r.FirstLost))
	}
	if missing+dropped > 0 {
		errs = append(errs, fmt.Errorf("the ledger tells of %d missing reports and %d dropped samples", missing, dropped))
	}
	return errors.Join(append(errs, r.checkTwice(o))...)
}

// checkDatums looks at what is in CloudWatch.
func (r *result) checkDatums() (errs []error) {
	if r.Delivered == 0 {
		errs = append(errs, errors.New("nothing was delivered"))
	}
	if r.dated == 0 && r.dialed {
		errs = append(errs, errors.New("nothing of the agents was delivered"))
	}
	for _, fault := range []struct {
		n     int
		what  string
		first string
	}{
		{r.Wrong, "datums are wrong", r.FirstWrong},
		{r.misdated, "samples without a time have another than that of their arrival", r.firstMisdated},
		{r.shifted, "readings of agents have another time than they were made at", r.firstShifted},
	} {
		if fault.n > 0 {
			errs = append(errs, fmt.Errorf("%d %s: %s", fault.n, fault.what, fault.first))
		}
	}
	return errs
}

func (r *result) checkTwice(o options) error {
	bound := window*r.connections + r.again
	if o.Form != "metric" || r.Twice <= bound {
		return nil
	}
	return fmt.Errorf("%d samples came again, at most %d may, %d for each of %d connections", r.Twice, bound, window,
		r.connections)
}

func (r *result) print(out io.Writer, o options) {
	events := 0
	for _, n := range r.events {
		events += n
	}
	missing, dropped := r.gone()
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "seed\tevents\tsamples\tacknowledged\tdelivered\tlost\ttwice\twrong\tmisdated\ttold "+
		"missing\tlongest stall\tdrain\n%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n",
		o.Seed, events, r.Made, r.Acked, r.Delivered, r.Lost, r.Twice, r.Wrong, r.misdated+r.shifted, missing+dropped,
		r.stall.Round(100*time.Millisecond), r.drain.Round(100*time.Millisecond))
	_ = t.Flush() // as the lines below
	for _, kind := range slices.Sorted(maps.Keys(r.events)) {
		_, _ = fmt.Fprintf(out, "  %3d  %s\n", r.events[kind], kind)
	}
}
