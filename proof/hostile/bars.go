package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"
)

// A bar is what has to be so in every phase.
type bar struct {
	text  string
	timed bool // it depends on how busy this machine is
	holds func(r *result) bool
}

const (
	maxMemory  = 256 << 20
	maxLog     = 1_000_000 // bytes a minute
	maxMetrics = 100       // intake.max_metrics of a device
	maxJoin    = 10 * time.Second
)

// firm is a bar that does not depend on how busy this machine is; timed is one that does.
func firm(text string, holds func(r *result) bool) bar  { return bar{text, false, holds} }
func timed(text string, holds func(r *result) bool) bar { return bar{text, true, holds} }

var (
	barRunning = firm("the gateway runs", func(r *result) bool { return r.running })
	barIn      = firm("nobody is let in who may not be", func(r *result) bool { return r.in == 0 })
	barJoined  = firm("who is invited joins", func(r *result) bool { return r.joinErr == nil })
	barJoin    = timed("who is invited joins in ten seconds", func(r *result) bool {
		return r.joinErr != nil || r.join <= maxJoin
	})
	barMissing = firm("each report is acknowledged", func(r *result) bool { return r.Made == r.Acked })
	barLost    = firm("each acknowledged sample is in the cloud a minute after the attack, as it was made",
		func(r *result) bool { return r.Lost+r.Wrong == 0 })
	barP99     = timed("p99 is a second", func(r *result) bool { return r.p99 <= time.Second })
	barDelay   = timed("the cloud is late by a minute", func(r *result) bool { return r.delay <= patience })
	barDropped = firm("nothing is dropped", func(r *result) bool { return r.dropped == 0 })
	barPeak    = firm("256 MiB of memory", func(r *result) bool { return r.peak <= maxMemory })
	barMemory  = firm("memory is as it was after two minutes", func(r *result) bool {
		return r.calm < calmTime || r.after.resident <= r.before.resident+moreMemory
	})
	barFiles = firm("descriptors are as they were", func(r *result) bool {
		return r.after.files <= r.before.files+moreFiles
	})
	barLog = firm("a MB of log a minute", func(r *result) bool {
		return r.logged <= maxLog*max(1, int64(r.length/time.Minute))
	})
	barDatums = firm("datums come of who sends samples, and of nobody else", func(r *result) bool {
		return r.phase.samples == (r.datums > 0) || r.phase.away
	})
	barMetrics = firm("100 metrics of a device", func(r *result) bool { return r.metrics <= maxMetrics*guestCount })

	allBars = []*bar{
		&barRunning, &barIn, &barJoined, &barJoin, &barMissing, &barLost, &barP99, &barDelay, &barDropped, &barPeak,
		&barMemory, &barFiles, &barLog, &barDatums, &barMetrics,
	}
)

// A failure is a bar that does not hold yet.
type failure struct {
	phase string
	bar   *bar
	from  time.Duration // of an attack in which it shows for certain
	why   string
}

// notYet are those that are known. Where one begins to hold its line has to go.
var notYet = []failure{
	{"samples without end", &barLost, 15 * time.Second, noTurns},
	{"samples without end", &barDelay, 15 * time.Second, noTurns},
}

const noTurns = "with windows of a second, passes of a flood are reduced more slowly than they close"

// known says why a bar is not expected to hold, "" if it is.
func (r *result) known(b *bar) string {
	for _, f := range r.notYet {
		if f.phase == r.phase.name && f.bar == b {
			return f.why
		}
	}
	return ""
}

// broken are the bars that do not hold and that nobody knew of.
func (r *result) broken() (all []*bar) {
	for _, b := range allBars {
		if !b.holds(r) && r.known(b) == "" {
			all = append(all, b)
		}
	}
	return all
}

// judge prints the bars that do not hold. It fails, if it is asked to, where one is not known, or a known one holds;
// times are not judged.
func (o *options) judge(results []*result, out io.Writer) error {
	var errs []error
	for _, r := range results {
		errs = append(errs, r.unexpected(out)...)
		errs = append(errs, r.expected(out)...)
	}
	if !o.Assert {
		return nil
	}
	return errors.Join(errs...)
}

// unexpected prints the bars that do not hold and that nobody knew of, and returns those that are no times.
func (r *result) unexpected(out io.Writer) (errs []error) {
	for _, b := range r.broken() {
		err := fmt.Errorf("%s: does not hold: %s", r.phase.name, b.text)
		switch b {
		case &barLost:
			err = fmt.Errorf("%w: %s", err, cmp.Or(r.FirstWrong, r.FirstLost))
		case &barJoined:
			err = fmt.Errorf("%w: %w", err, r.joinErr)
		}
		_, _ = fmt.Fprintln(out, "!", err)
		if !b.timed {
			errs = append(errs, err)
		}
	}
	return errs
}

// expected prints what is known not to hold, and returns an error for each that does.
func (r *result) expected(out io.Writer) (errs []error) {
	for _, f := range r.notYet {
		switch {
		case f.phase != r.phase.name:
		case !f.bar.holds(r):
			_, _ = fmt.Fprintf(out, "? %s: %s: not yet: %s\n", f.phase, f.bar.text, f.why)
		case !f.bar.timed && r.length >= f.from:
			errs = append(errs, fmt.Errorf("%s: holds now, take its line from notYet: %s", f.phase, f.bar.text))
		}
	}
	return errs
}
