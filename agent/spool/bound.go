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
	for i := 0; i < len(s.segments)-1; {
		g := s.segments[i]
		over := s.bytes() > s.cfg.MaxBytes
		switch {
		case !over && !s.old(g):
			i = len(s.segments) // what follows is younger
		case !g.kept || (!over && !s.dated(g)):
			i++
		default:
			s.drop(g)
			s.segments = slices.Delete(s.segments, i, i+1)
		}
	}
	if s.dropped > before && !s.full {
		s.full = true
		s.cfg.Log.Warn("the spool is full; the oldest readings are dropped", "reports", s.dropped-before,
			"try", "bring the gateway back, or raise spool.max_bytes, spool.max_age or spool.max_reports")
	}
}

// drop gives up a segment in a file, and counts it. What cannot be read cannot be counted, and is told.
func (s *Spool) drop(g *segment) {
	if s.readable(g) {
		s.dropped += g.waiting()
	} else {
		s.cfg.Log.Error("the spool is full; a file that cannot be read is removed, and its readings are not counted", "file",
			g.path, "bytes", g.size)
	}
	s.discard(g)
}

// readable has a segment in memory. What could not be read before is left to reread, which puts it in its place.
func (s *Spool) readable(g *segment) bool { return g.retryAt.IsZero() && s.load(g) }

// dated reports whether the file's time is that of what is in it.
func (s *Spool) dated(g *segment) bool { return s.readable(g) && !g.undated() }

// boundMemory holds what is in memory only to MaxReports, also what was in a file that failed.
func (s *Spool) boundMemory() {
	waiting := s.inMemory()
	for _, g := range s.segments {
		if g.kept {
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
		if !g.kept {
			n += g.waiting()
		}
	}
	return n
}

// bytes is what the files hold.
func (s *Spool) bytes() (n int64) {
	for _, g := range s.segments {
		if g.kept {
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
