package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/gateway/queue/ledger"
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
func (w *world) chaos(ctx context.Context, o options, log io.Writer) (*result, error) {
	say := func(text string) {
		_, _ = fmt.Fprintf(log, "%s chaos: %s\n", time.Now().Format("15:04:05.000"), text) // for who looks on
	}
	living, stop := context.WithTimeout(ctx, o.For)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, o.For+o.Drain)
	defer cancel()
	senders := w.live(ctx, living)
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
		a.Stop() // hands on what it has
	}
	begun := time.Now()
	accounts, err := w.drained(ctx, func(waiting int64) { say(fmt.Sprint(waiting, " samples wait")) })
	if err != nil {
		return nil, err
	}
	r := &result{events: map[string]int{}, connections: w.wan.Opened(), drain: time.Since(begun), accounts: accounts, dialed: w.dial != nil && len(w.agents) > 0}
	for _, t := range tracks {
		for kind, n := range t.counts {
			r.events[kind] += n
		}
	}
	r.again = w.upstream.again * r.events[w.upstream.ended()]
	r.verdict, err = w.judge(ctx)
	return r, err
}

// judge waits a little for a record that lags.
func (w *world) judge(ctx context.Context) (v verdict, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	j := judge{book: w.book, clock: w.clock, dial: w.dial, dialName: "disk usage " + w.dialPath()}
	for {
		v, err = j.judge(w.record)
		if err != nil || v.lost == 0 || !w.upstream.loose || ctx.Err() != nil {
			return v, err
		}
		wait(ctx, 200*time.Millisecond)
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
		if r.lost > 0 && missing+dropped == 0 {
			errs = append(errs, fmt.Errorf("%d acknowledged samples are lost, and the ledger does not tell: %s", r.lost, r.firstLost))
		}
		return errors.Join(errs...)
	}
	if r.lost > 0 {
		errs = append(errs, fmt.Errorf("%d acknowledged samples are lost: %s", r.lost, r.firstLost))
	}
	if missing+dropped > 0 {
		errs = append(errs, fmt.Errorf("the ledger tells of %d missing reports and %d dropped samples", missing, dropped))
	}
	return errors.Join(append(errs, r.checkTwice(o))...)
}

// checkDatums looks at what is in CloudWatch.
func (r *result) checkDatums() (errs []error) {
	if r.delivered == 0 {
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
		{r.wrong, "datums are wrong", r.firstWrong},
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
	if o.Form != "metric" || r.twice <= bound {
		return nil
	}
	return fmt.Errorf("%d samples came again, at most %d may, %d for each of %d connections", r.twice, bound, window, r.connections)
}

func (r *result) print(out io.Writer, o options) {
	events := 0
	for _, n := range r.events {
		events += n
	}
	missing, dropped := r.gone()
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "seed\tevents\tsamples\tacknowledged\tdelivered\tlost\ttwice\twrong\tmisdated\ttold missing\tlongest stall\tdrain\n%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n",
		o.Seed, events, r.made, r.acked, r.delivered, r.lost, r.twice, r.wrong, r.misdated+r.shifted, missing+dropped, r.stall.Round(100*time.Millisecond), r.drain.Round(100*time.Millisecond))
	_ = t.Flush() // as the lines below
	for _, kind := range slices.Sorted(maps.Keys(r.events)) {
		_, _ = fmt.Fprintf(out, "  %3d  %s\n", r.events[kind], kind)
	}
}

// prefixed writes whole lines, each with the name of what said it.
func prefixed(to io.Writer, name string) io.Writer { return &prefixer{to: to, name: name} }

var logMu sync.Mutex // one log for all

type prefixer struct {
	to   io.Writer
	name string
}

func (p *prefixer) Write(text []byte) (int, error) {
	logMu.Lock()
	defer logMu.Unlock()
	for line := range bytes.Lines(text) {
		if _, err := fmt.Fprintf(p.to, "%s: %s", p.name, line); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}
