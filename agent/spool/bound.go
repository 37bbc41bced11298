package spool

import (
	"slices"
	"time"

	"piway/shared/sample"
)

// plausible is a time before which no file was written: a clock that shows less was never set.
var plausible = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// bound drops the oldest until what is kept fits.
func (s *Spool) bound() {
	before := s.dropped
	s.boundMemory()
	for len(s.segments) > 1 && s.segments[0].path != "" {
		g := s.segments[0]
		over := s.bytes() > s.cfg.MaxBytes
		if !over && !s.old(g) {
			break
		}
		if !g.loaded {
			s.load(g) // to count what is dropped
		}
		if !over && g.undated() {
			break
		}
		s.dropped += g.waiting()
		s.discard(g)
		s.segments = s.segments[1:]
	}
	if s.dropped > before && !s.full {
		s.full = true
		s.cfg.Log.Warn("the spool is full, the oldest readings are dropped", "reports", s.dropped-before,
			"try", "bring the gateway back, or raise spool.max_bytes, spool.max_age or spool.max_reports")
	}
}

// boundMemory holds what is in memory only to MaxReports.
func (s *Spool) boundMemory() {
	waiting := s.inMemory()
	for _, g := range s.segments {
		if g.path != "" {
			continue
		}
		for at := g.first; at < g.end() && waiting > s.cfg.MaxReports; at = g.first {
			g.ack(at)
			s.dropped++
			waiting--
		}
	}
}

// inMemory is how many reports wait in memory only.
func (s *Spool) inMemory() (n int) {
	for _, g := range s.segments {
		if g.path == "" {
			n += g.waiting()
		}
	}
	return n
}

// bytes is what the files hold.
func (s *Spool) bytes() (n int64) {
	for _, g := range s.segments {
		if g.path != "" {
			n += g.size
		}
	}
	return n
}

// undated reports whether something was read by a clock that was not right, and then the file's time is not either. The
// gateway may date it by the uptime.
func (g *segment) undated() bool {
	return slices.ContainsFunc(g.reports, func(r sample.Report) bool { return r.Clock == sample.Unsynced })
}

// old reports whether nothing in the file is wanted any more, by a clock that is right.
func (s *Spool) old(g *segment) bool {
	if s.cfg.MaxAge <= 0 || g.written.Before(plausible) || (s.cfg.ClockRight != nil && !s.cfg.ClockRight()) {
		return false
	}
	return time.Since(g.written.Round(0)) > s.cfg.MaxAge
}
