package spool

import (
	"errors"
	"slices"
	"time"

	"piway/shared/sample"
)

// A report that the gateway does not take for its size is taken apart. Its parts have numbers of their own, since the
// gateway has seen the old one, and take its place: in a file by one rename, so that a crash finds either it or them.

// Limit bounds what is put into reports from now on, and what this process packed and did not hand out yet. More than
// sample.MaxLimits is not packed.
func (s *Spool) Limit(to sample.Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = to.Min(sample.MaxLimits())
}

// Split takes the report at pos apart into reports within the limits, which Next returns before all else, and which
// bound also what is packed from now on. It returns false if the report cannot be made smaller; it is then still
// there. One that is gone is no mistake: it may have been dropped meanwhile.
func (s *Spool) Split(pos uint64, within sample.Limits) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, at := s.lookUp(pos)
	if g == nil {
		return true
	}
	s.limits = s.limits.Min(within)
	if !exceeds(g.at(at), s.limits) {
		return false
	}
	parts := cut(*g.at(at), s.limits)
	for i := range parts {
		s.assign(&parts[i])
	}
	reports := append(slices.Clone(g.reports), parts[1:]...)
	reports[at-g.first] = parts[0]
	if err := s.rewrite(g, reports); err != nil {
		g.distrust() // they go all the same; a restart may find the whole
		g.reports = reports
		s.fail(err)
	}
	s.again = append(s.again, pos)
	for i := range parts[1:] {
		s.again = append(s.again, g.position(g.end()-len(parts)+1+i))
	}
	if !g.kept {
		s.quiet = time.Now() // the gateway answers
	}
	s.followUp() // the file may have failed
	s.wake()
	return true
}

// assign gives a report the next number.
func (s *Spool) assign(r *sample.Report) {
	s.seq++
	r.Run, r.Seq = s.cfg.Run, s.seq
}

// lookUp returns where the report at pos is, nil if it is gone.
func (s *Spool) lookUp(pos uint64) (g *segment, index int) {
	index = int(pos&(1<<indexBits-1)) - 1
	for _, g := range s.segments {
		if g.number == pos>>indexBits && g.loaded && index >= g.first && index < g.end() && !g.acked[index] {
			return g, index
		}
	}
	return nil, 0
}

// takeAgain hands out a part that goes before all else. The reader then goes on where it stood, which is returned
// otherwise.
func (s *Spool) takeAgain(after uint64) (stood, pos uint64, r sample.Report, ok bool) {
	if after == 0 { // a new connection: all in its order
		s.again, s.ahead = nil, map[uint64]uint64{}
	}
	if from, ok := s.ahead[after]; ok {
		after = from
	}
	for len(s.again) > 0 {
		pos, s.again = s.again[0], s.again[1:]
		if g, at := s.lookUp(pos); g != nil {
			s.ahead[pos] = after
			g.handed = max(g.handed, at+1)
			return after, pos, *g.at(at), true
		}
	}
	return after, 0, sample.Report{}, false
}

// divide brings what is to be handed out from an index on within the limits, if nobody can know it yet: a report that
// was handed out keeps its number and its samples. The first part keeps the number, which leaves no gap.
func (s *Spool) divide(g *segment, from int) {
	if from < g.handed {
		return
	}
	var reports []sample.Report
	divided := false
	for at := from; at < g.end(); at++ {
		r := g.at(at)
		if r.Run != s.cfg.Run || !exceeds(r, s.limits) {
			reports = append(reports, *r)
			continue
		}
		divided = true
		parts := cut(*r, s.limits)
		for i := range parts[1:] {
			s.assign(&parts[1+i])
		}
		reports = append(reports, parts...)
	}
	if !divided || from+len(reports) > maxIndex {
		return
	}
	g.handed = from + 1 // it will be in a moment, and must stay in memory when the file is ended
	if err := s.rewrite(g, append(g.reports[:from-g.first:from-g.first], reports...)); err != nil {
		s.fail(err)
	}
}

// rewrite makes these the reports of a segment, first of all in its file, if that holds them: nothing is added to that
// any more. After an error the reports are what they were, in the file too, or either.
func (s *Spool) rewrite(g *segment, reports []sample.Report) error {
	old := g.reports
	if g.kept && g == s.last() {
		s.seal(g)
		s.begin()
		if !g.kept {
			return errUnsealed
		}
	}
	g.reports = reports
	if !g.kept {
		return nil
	}
	if err := s.save(g); err != nil {
		g.reports = old
		return err
	}
	return nil
}

// errUnsealed says that a file may hold anything; why, is told.
var errUnsealed = errors.New("the file that holds the report could not be ended")
