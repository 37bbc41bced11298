// Package spool keeps reports until they are acknowledged: bounded, in order, and forgotten only when told.
// When it is full the oldest report makes room, and that is counted.
package spool

import (
	"context"
	"slices"
	"sync"

	"piway/shared/sample"
)

// A Spool is a first-in first-out store of reports in memory. It may be used from several goroutines.
type Spool struct {
	max int

	mu      sync.Mutex // guards what follows
	entries []entry    // by position
	last    uint64     // position given out last
	dropped uint64
	changed chan struct{} // closed and replaced at every change
}

type entry struct {
	pos    uint64
	report sample.Report
}

// New returns an empty spool for at most maxReports reports, at least one.
func New(maxReports int) *Spool {
	return &Spool{max: max(maxReports, 1), changed: make(chan struct{})}
}

// Add keeps r until Ack. It returns false if the spool was full and the oldest report was dropped for it.
// The spool owns r.Samples from now on.
func (s *Spool) Add(r sample.Report) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	fits := len(s.entries) < s.max
	if !fits {
		s.entries = slices.Delete(s.entries, 0, 1)
		s.dropped++
	}
	s.last++
	s.entries = append(s.entries, entry{s.last, r})
	s.wake()
	return fits
}

// Next returns the oldest report behind the position after, and its own position; it waits for one until ctx ends,
// whose error it then returns. Positions start at 1 and grow; a report stays until Ack, so reading again from 0
// gives everything that is not acknowledged. The report's samples are shared and must not be changed.
func (s *Spool) Next(ctx context.Context, after uint64) (uint64, sample.Report, error) {
	for {
		s.mu.Lock()
		i := s.search(after + 1)
		if i < len(s.entries) {
			e := s.entries[i]
			s.mu.Unlock()
			return e.pos, e.report, ctx.Err()
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, sample.Report{}, ctx.Err()
		}
	}
}

// Ack forgets the report at pos. A position that is gone already is no mistake: it may have been dropped meanwhile.
func (s *Spool) Ack(pos uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.search(pos); i < len(s.entries) && s.entries[i].pos == pos {
		s.entries = slices.Delete(s.entries, i, i+1)
		s.wake()
	}
}

// Empty waits until no report is left, or until ctx ends, whose error it then returns.
func (s *Spool) Empty(ctx context.Context) error {
	for {
		s.mu.Lock()
		n, changed := len(s.entries), s.changed
		s.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Len returns how many reports wait for their acknowledgement.
func (s *Spool) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}

// Dropped returns how many reports were dropped because the spool was full.
func (s *Spool) Dropped() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// search returns the index of the first entry at or behind pos. s.mu is held.
func (s *Spool) search(pos uint64) int {
	i, _ := slices.BinarySearchFunc(s.entries, pos, func(e entry, pos uint64) int {
		switch {
		case e.pos < pos:
			return -1
		case e.pos > pos:
			return 1
		}
		return 0
	})
	return i
}

// wake tells all who wait that something changed. s.mu is held.
func (s *Spool) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}
