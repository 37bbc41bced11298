package main

import (
	"context"
	"fmt"
	"slices"
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

const header = `| phase | connections | packets | acks | missing | lost | p99 | delay | dropped | MiB | descriptors | log | datums | metrics |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|`

// row is the line of the table, in which each figure is marked whose bar does not hold.
func (r *result) row() string {
	mb := func(n int64) int64 { return n >> 20 }
	mark := func(b bar) string {
		switch {
		case b.holds(r):
			return ""
		case r.known(b) != "":
			return " ?"
		default:
			return " !"
		}
	}
	ended := ""
	if !r.running {
		ended = ", the gateway ended" + mark(barRunning)
	}
	return fmt.Sprintf("| %s%s | %d | %d | %d | %d%s | %d%s | %s%s | %s%s | %d%s | %d, %d%s, %d%s | %d, %d%s | %d%s | %d%s | %d%s |",
		r.phase.name, ended, r.dialed, r.sent, r.Acked, r.Made-r.Acked, mark(barMissing), r.Lost+r.Wrong, mark(barLost),
		r.p99.Round(time.Millisecond), mark(barP99), r.delay.Round(100*time.Millisecond), mark(barDelay), r.dropped, mark(barDropped),
		mb(r.before.resident), mb(r.peak), mark(barPeak), mb(r.after.resident), mark(barMemory),
		r.before.files, r.after.files, mark(barFiles), r.logged/1000, mark(barLog), r.datums, mark(barDatums), r.metrics, mark(barMetrics))
}
