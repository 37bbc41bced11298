// Package seen recognises a report that comes again: `(device, run, seq)` names it.
//
// Its promise: what was added is recognised for 14 days after the last report of its run, by a clock that is right and
// also by the time that this process has run: a clock that is set forgets nothing. Then what is missing of the run
// never comes, and is counted. At most 512 runs of a device and 512 ranges of a run are kept; beyond that the oldest is
// forgotten, which can cost a duplicate and never a sample. A script's message has no run and cannot be recognised.
package seen

import (
	"container/list"
	"context"
	"fmt"
	"time"

	"piway/gateway/queue/ranges"
	"piway/gateway/queue/store"
)

// Keep is how long an agent may hold a report: the age that CloudWatch takes, API_MetricDatum.
const Keep = 14 * 24 * time.Hour

// Bounds of what is remembered: runs of a device, and ranges of a run, of which the first is forgotten and counts as
// missing.
const maxRuns, maxRanges = 512, 512

type key struct{ device, run string }

// A run is what is known of an agent's process.
type run struct {
	key
	place  *list.Element // in its device's list
	seqs   ranges.Ranges
	last   int64         // Unix seconds of its newest report's arrival; 0 while no clock known to be right has seen it
	heard  time.Duration // monotonic, of the same, 0 for none in this process
	onDisk bool
}

// Seen remembers which reports of which runs are stored. One goroutine uses it.
type Seen struct {
	runs    map[key]*run
	devices map[string]*list.List // of *run, the one that was heard of longest ago first
	dirty   map[key]*run          // to be written at the next flush
	gone    map[key]bool          // to be deleted on disk before that
}

// Load reads what was written by Flush.
func Load(ctx context.Context, from store.Reader) (*Seen, error) {
	s := &Seen{runs: map[key]*run{}, devices: map[string]*list.List{}, dirty: map[key]*run{}, gone: map[key]bool{}}
	var k key
	var last int64
	var text string
	rows, err := from.QueryContext(ctx, "SELECT device, run, ranges, last FROM seen ORDER BY last<=0, last")
	if err := store.Each(rows, err, func() error {
		seqs, err := ranges.Parse(text)
		if err != nil {
			return fmt.Errorf("of %s: %w: %w", k.device, store.ErrDamaged, err)
		}
		r := s.add(k)
		r.seqs, r.last, r.onDisk = seqs, last, true
		return nil
	}, &k.device, &k.run, &text, &last); err != nil {
		return nil, fmt.Errorf("reading what was seen: %w", err)
	}
	return s, nil
}

// add makes a run, the newest of its device.
func (s *Seen) add(k key) *run {
	of := s.devices[k.device]
	if of == nil {
		of = list.New()
		s.devices[k.device] = of
	}
	r := &run{key: k}
	r.place, s.runs[k] = of.PushBack(r), r
	return r
}

// forget returns how many reports of the run never came.
func (s *Seen) forget(r *run) (missing int64) {
	of := s.devices[r.device]
	if of.Remove(r.place); of.Len() == 0 {
		delete(s.devices, r.device)
	}
	delete(s.runs, r.key)
	delete(s.dirty, r.key)
	if r.onDisk {
		s.gone[r.key] = true
	}
	return r.seqs.Gaps()
}

// Has reports whether a report was added.
func (s *Seen) Has(device, run string, seq int64) bool {
	r := s.runs[key{device, run}]
	return r != nil && r.seqs.Has(seq)
}

// Add remembers a report that arrived at a time, in Unix seconds, 0 if by a clock that was not known to be right; and
// by the monotonic clock at mono. Where it makes the device's runs too many it forgets the oldest, and returns how many
// reports of that never came.
func (s *Seen) Add(device, id string, seq, at int64, mono time.Duration) (missing int64) {
	k := key{device, id}
	r, of := s.runs[k], s.devices[device]
	if r == nil {
		if of != nil && of.Len() >= maxRuns {
			missing = s.forget(of.Front().Value.(*run)) //nolint:forcetypeassert // what add put in
		}
		r = s.add(k)
	} else {
		of.MoveToBack(r.place)
	}
	r.seqs = r.seqs.Add(seq)
	if len(r.seqs) > maxRanges {
		r.seqs = r.seqs[1:]
	}
	r.last, r.heard = max(r.last, at), max(mono, 1)
	s.dirty[k] = r
	return missing
}

// Rename takes all that was seen of a device for that of another name: what the agent sends again after it was renamed
// is recognised.
func (s *Seen) Rename(old, name string) {
	for of := s.devices[old]; of != nil && of.Len() > 0; {
		r := of.Front().Value.(*run) //nolint:forcetypeassert // what add put in
		s.forget(r)
		k := key{name, r.run}
		if s.runs[k] != nil { // of a device of that name that is gone
			s.forget(s.runs[k])
		}
		n := s.add(k)
		n.seqs, n.last, n.heard = r.seqs, r.last, r.heard
		s.dirty[k] = n
	}
}

// Flush writes what changed and forgets what is too old; missing is told how many reports of a run that is forgotten
// never came. now is zero while no clock is known to be right.
func (s *Seen) Flush(
	ctx context.Context, conn *store.Conn, now time.Time, mono time.Duration, missing func(device string, n int64),
) error {
	if !now.IsZero() {
		for _, r := range s.runs {
			if s.date(r, now.Unix()); r.old(now.Unix(), mono) {
				missing(r.device, s.forget(r))
			}
		}
	}
	for k := range s.gone {
		if _, err := conn.ExecContext(ctx, "DELETE FROM seen WHERE device=? AND run=?", k.device, k.run); err != nil {
			return err
		}
	}
	clear(s.gone)
	for k, r := range s.dirty {
		if _, err := conn.ExecContext(ctx, "INSERT OR REPLACE INTO seen VALUES (?,?,?,?)",
			k.device, k.run, r.seqs.String(), r.last); err != nil {
			return err
		}
		r.onDisk = true
	}
	clear(s.dirty)
	return nil
}

// date corrects what a wrong clock made of a run.
func (s *Seen) date(r *run, now int64) {
	if r.last <= 0 || r.last > now {
		r.last = now
		s.dirty[r.key] = r
	}
}

// old reports whether no agent holds a report of the run any more: by a clock that is right, and not against what this
// process knows, whatever the clock was set to since.
func (r *run) old(now int64, mono time.Duration) bool {
	return now-r.last > int64(Keep/time.Second) && (r.heard == 0 || mono-r.heard > Keep)
}

// Late calls f with how many reports may still come, for each run that is written and has gaps in its numbers.
func Late(ctx context.Context, from store.Reader, f func(device string, n int64)) error {
	var device, text string
	rows, err := from.QueryContext(ctx,
		"SELECT device, ranges FROM seen WHERE ranges NOT GLOB '1-[0-9]*' OR ranges LIKE '%,%'")
	return store.Each(rows, err, func() error {
		seqs, err := ranges.Parse(text)
		if err != nil {
			return fmt.Errorf("%w: %w", store.ErrDamaged, err)
		}
		f(device, seqs.Gaps())
		return nil
	}, &device, &text)
}
