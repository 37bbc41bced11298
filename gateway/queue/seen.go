package queue

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"piway/gateway/queue/store"

	"piway/gateway/queue/ranges"
)

// Bounds of what is remembered to recognise redelivery. Beyond them the oldest is forgotten, which can cost a
// duplicate and never a sample.
const (
	// keepSeen is how long an agent may hold a report: the age that CloudWatch takes, API_MetricDatum.
	keepSeen = 14 * 24 * time.Hour
	// maxRuns per device, maxRanges per run, of which the first is forgotten, and counts as missing.
	maxRuns, maxRanges = 512, 512
)

type runKey struct{ device, run string }

type runSeen struct {
	seqs  ranges.Ranges
	last  int64         // Unix seconds of its newest report's arrival; 0 while no clock known to be right has seen it
	heard time.Duration // monotonic, of the same, 0 for none in this process
	dirty bool
}

// date corrects what a wrong clock made of a run.
func (s *seen) date(k runKey, r *runSeen, now instant) {
	if r.last > 0 && r.last <= now.wall.Unix() {
		return
	}
	r.last = now.wall.Unix()
	s.touch(k, r)
}

// touch has a run written at the next flush.
func (s *seen) touch(k runKey, r *runSeen) {
	if !r.dirty {
		r.dirty = true
		s.dirty = append(s.dirty, k)
	}
}

// old reports whether no agent holds a report of the run any more: by a clock that is right, and not against what this
// process knows, whatever the clock was set to since.
func (r *runSeen) old(now instant) bool {
	return now.wall.Unix()-r.last > int64(keepSeen/time.Second) && (r.heard == 0 || now.mono-r.heard > keepSeen)
}

// seen remembers which reports of which runs are stored.
type seen struct {
	runs   map[runKey]*runSeen
	counts map[string]int // runs per device
	dirty  []runKey
}

func newSeen() seen { return seen{runs: map[runKey]*runSeen{}, counts: map[string]int{}} }

func (s *seen) has(device, run string, seq int64) bool {
	r := s.runs[runKey{device, run}]
	return r != nil && r.seqs.Has(seq)
}

func (s *seen) add(device, run string, seq, at int64, mono time.Duration) {
	k := runKey{device, run}
	r := s.runs[k]
	if r == nil {
		r = &runSeen{}
		s.runs[k] = r
		s.counts[device]++
	}
	r.seqs = r.seqs.Add(seq)
	if len(r.seqs) > maxRanges {
		r.seqs = r.seqs[1:]
	}
	r.last, r.heard = max(r.last, at), max(mono, 1)
	s.touch(k, r)
}

// flush hands what changed to put, and what is too old or too many to drop.
func (s *seen) flush(now instant, put func(runKey, *runSeen) error, drop func(runKey, *runSeen) error) error {
	for _, k := range s.dirty {
		r := s.runs[k]
		if r == nil {
			continue // dropped as too many
		}
		r.dirty = false
		if err := put(k, r); err != nil {
			return err
		}
		if s.counts[k.device] > maxRuns {
			if err := s.dropOldest(k.device, drop); err != nil {
				return err
			}
		}
	}
	s.dirty = s.dirty[:0]
	return s.dropOld(now, drop)
}

// dropOldest forgets the run of a device that was heard of longest ago: one of an earlier process, if there is one.
func (s *seen) dropOldest(device string, drop func(runKey, *runSeen) error) error {
	var oldest runKey
	var of *runSeen
	for k, r := range s.runs {
		if k.device == device && (of == nil || cmp.Or(cmp.Compare(r.heard, of.heard), cmp.Compare(r.last, of.last)) < 0) {
			oldest, of = k, r
		}
	}
	return s.drop(oldest, drop)
}

func (s *seen) dropOld(now instant, drop func(runKey, *runSeen) error) error {
	if !now.right {
		return nil
	}
	for k, r := range s.runs {
		s.date(k, r, now)
		if !r.old(now) {
			continue
		}
		if err := s.drop(k, drop); err != nil {
			return err
		}
	}
	return nil
}

func (s *seen) drop(k runKey, drop func(runKey, *runSeen) error) error {
	r := s.runs[k]
	delete(s.runs, k)
	s.counts[k.device]--
	return drop(k, r)
}

func (w *writer) loadSeen(ctx context.Context) error {
	rows, err := w.conn.QueryContext(ctx, "SELECT device, run, ranges, last FROM seen")
	if err != nil {
		return fmt.Errorf("reading what was seen: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var k runKey
		var r runSeen
		var text string
		if err := rows.Scan(&k.device, &k.run, &text, &r.last); err != nil {
			return fmt.Errorf("reading what was seen: %w", err)
		}
		if r.seqs, err = ranges.Parse(text); err != nil {
			return fmt.Errorf("reading what was seen of %s: %w: %w", k.device, store.ErrDamaged, err)
		}
		w.seen.runs[k] = &r
		w.seen.counts[k.device]++
	}
	return rows.Err()
}
