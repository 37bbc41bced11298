package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"piway/proof/world"
)

// A result is what became of a phase.
type result struct {
	phase        phase
	notYet       []failure     // that are known
	length       time.Duration // that the attack was to have
	calm         time.Duration // that the gateway could have to be as it was
	began, ended time.Time     // of the attack
	dialed, sent int64         // connections and packets of the attack
	in           int64         // times that it was let in and should not have been
	join         time.Duration // until somebody had joined who was invited
	joinErr      error         // why nobody did

	world.Verdict // of the honest devices' samples; each report has one

	p99, delay    time.Duration
	dropped       int64
	running       bool // the gateway is, still
	before, after look
	peak          int64 // bytes of memory
	quiet, logged int64 // bytes of log: before the attack, and from its begin on
	datums        int   // of the hostile
	metrics       int
}

// count looks at what became of the honest devices' samples.
func (s *site) count(r *result) error {
	r.running = s.gateway.Running()
	r.Verdict = s.samples.Verdict()
	r.datums, r.metrics = s.hostile.sum(), len(s.hostile)
	r.measure(s.samples.All(), s.phase.away)
	if !r.running {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	all, err := world.Ledger(ctx, s.data)
	if err != nil {
		return err
	}
	honest := s.honest(all)
	_, expired, dropped := honest.Totals()
	r.dropped = expired + dropped
	return nil
}

// measure takes the times: of acknowledgements during the attack, and of all that came to the cloud, where what was
// due while it was away is due when it is there again. What has not come yet took until now.
func (r *result) measure(all []world.Sample, away bool) {
	var acks []time.Duration
	now := time.Now()
	until := func(t time.Time) time.Time {
		if t.IsZero() {
			return now
		}
		return t
	}
	for _, one := range all {
		if one.Time.Before(r.began) {
			continue
		}
		if one.Time.Before(r.ended) {
			acks = append(acks, until(one.Acked).Sub(one.Time))
		}
		due := one.Time.Truncate(window).Add(window)
		if away && due.Before(r.ended) {
			due = r.ended
		}
		r.delay = max(r.delay, until(one.Came).Sub(due))
	}
	if len(acks) > 0 {
		slices.Sort(acks)
		r.p99 = acks[(len(acks)-1)*99/100]
	}
}

// header is that of the table, whose lines are rows.
func header() string {
	names := []string{
		"connections", "packets", "let in", "join", "acks", "missing", "lost", "p99", "delay", "dropped", "MiB",
		"descriptors", "log", "datums", "metrics",
	}
	return "| phase | " + strings.Join(names, " | ") + " |\n|---|" + strings.Repeat("---:|", len(names))
}

// row is the line of the table, in which each figure is marked whose bar does not hold.
func (r *result) row() string {
	mib := func(n int64) int64 { return n >> 20 }
	ended := ""
	if !r.running {
		ended = ", the gateway ended" + r.mark(&barRunning)
	}
	var row strings.Builder
	for _, cell := range []any{
		r.phase.name + ended, r.dialed, r.sent,
		fmt.Sprint(r.in, r.mark(&barIn)),
		fmt.Sprint(r.join.Round(time.Millisecond), r.mark(&barJoined), r.mark(&barJoin)),
		r.Acked,
		fmt.Sprint(r.Made-r.Acked, r.mark(&barMissing)),
		fmt.Sprint(r.Lost+r.Wrong, r.mark(&barLost)),
		fmt.Sprint(r.p99.Round(time.Millisecond), r.mark(&barP99)),
		fmt.Sprint(r.delay.Round(100*time.Millisecond), r.mark(&barDelay)),
		fmt.Sprint(r.dropped, r.mark(&barDropped)),
		fmt.Sprint(mib(r.before.resident), ", ", mib(r.peak), r.mark(&barPeak), ", ",
			mib(r.after.resident), r.mark(&barMemory)),
		fmt.Sprint(r.before.files, ", ", r.after.files, r.mark(&barFiles)),
		fmt.Sprint(r.logged/1000, r.mark(&barLog)),
		fmt.Sprint(r.datums, r.mark(&barDatums)),
		fmt.Sprint(r.metrics, r.mark(&barMetrics)),
	} {
		_, _ = fmt.Fprint(&row, "| ", cell, " ") // cannot fail
	}
	return row.String() + "|"
}

// mark is what stands behind a figure whose bar does not hold.
func (r *result) mark(b *bar) string {
	switch {
	case b.holds(r):
		return ""
	case r.known(b) != "":
		return " ?"
	default:
		return " !"
	}
}
