package spool

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// work does what is due: for the disk, for what waits, for the bounds.
func (s *Spool) work() {
	if s.cfg.Dir != "" {
		s.look()
		s.sync()
		s.spillIfDue()
		s.reread()
	}
	s.bound()
	s.followUp()
}

// due is the timer: something is due though no reading comes. They may be hours apart.
func (s *Spool) due() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disk.timer = nil
	if !s.disk.closed {
		s.work()
		s.wake()
	}
}

// plan sets the timer for what is due next, and none if nothing is.
func (s *Spool) plan() {
	at := s.nextDue()
	if s.disk.closed || (s.disk.timer != nil && !at.IsZero() && !at.Before(s.disk.timerAt)) {
		return
	}
	if s.disk.timer != nil {
		s.disk.timer.Stop()
		s.disk.timer = nil
	}
	if at.IsZero() {
		return
	}
	s.disk.timerAt = at
	s.disk.timer = time.AfterFunc(time.Until(at), s.due)
}

// nextDue returns when work has something to do, the zero time if nothing is planned.
func (s *Spool) nextDue() (at time.Time) {
	if s.cfg.Dir == "" {
		return at
	}
	sooner := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	if s.last().dirty {
		sooner(s.disk.synced.Add(syncEvery))
	}
	if s.inMemory() > 0 {
		sooner(later(s.quiet.Add(s.cfg.After), s.disk.retryAt))
	}
	if s.disk.away || s.anew() || len(s.disk.litter) > 0 {
		sooner(later(time.Now(), s.disk.retryAt))
	}
	if t := s.rereadAt(); !t.IsZero() {
		sooner(t)
	}
	return at
}

// rereadAt returns when the next file is tried again that could not be read, the zero time if there is none.
func (s *Spool) rereadAt() (at time.Time) {
	for _, g := range s.segments {
		if !g.retryAt.IsZero() && (at.IsZero() || g.retryAt.Before(at)) {
			at = g.retryAt
		}
	}
	return at
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// anew reports whether a file of an earlier process is to be written anew, and can be read.
func (s *Spool) anew() bool {
	for _, g := range s.segments {
		if g.anew && g.retryAt.IsZero() {
			return true
		}
	}
	return false
}

// spillIfDue takes what is in memory to the disk if nothing has been acknowledged for long, and tries again what
// failed.
func (s *Spool) spillIfDue() {
	now := time.Now()
	if now.Before(s.disk.retryAt) {
		return
	}
	s.sweep()
	switch {
	case s.inMemory() > 0 && now.Sub(s.quiet) >= s.cfg.After:
		onDisk := s.last().file != nil
		if s.spill() && !onDisk {
			s.cfg.Log.Info("the gateway does not answer; readings go to the disk until it does", "dir", s.cfg.Dir)
		}
	case s.disk.away || s.anew():
		s.takeUp()
	}
}

// look finds out whether folder and files are still those that this process uses: somebody may have removed or replaced
// them, and what is written to the old ones is nowhere. What is in memory goes into new ones then.
func (s *Spool) look() {
	if s.disk.lock == nil {
		return
	}
	if s.moved() {
		s.cfg.Log.Warn("the spool's folder was removed or replaced; what is in memory goes to a new one", "dir", s.cfg.Dir)
		_ = s.disk.lock.Close() // of a folder that is not ours any more
		s.disk.lock, s.disk.away, s.disk.retryAt = nil, true, time.Time{}
		s.disk.litter = nil // what bears these names now may be another's
		s.distrust(func(*segment) bool { return true })
		return
	}
	if s.distrust((*segment).strange) {
		s.cfg.Log.Warn("a file of the spool was removed or replaced; what was in it is written again", "dir", s.cfg.Dir)
	}
}

// moved reports whether the folder is gone, or another one bears its name.
func (s *Spool) moved() bool {
	held, err := s.disk.lock.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(s.cfg.Dir)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return !os.SameFile(held, now)
}

// distrust forgets the files of segments that are in memory, where that is wanted. It returns whether there were any.
func (s *Spool) distrust(wanted func(*segment) bool) (found bool) {
	for _, g := range s.segments {
		if g.kept && g.loaded && wanted(g) {
			g.distrust()
			found = true
		}
	}
	return found
}

// reread tries files again that could not be read. Whoever reads has gone past them, so they go behind all others.
func (s *Spool) reread() {
	for i := 0; i < len(s.segments); i++ {
		g := s.segments[i]
		if g.retryAt.IsZero() || time.Now().Before(g.retryAt) || !s.load(g) {
			continue
		}
		s.segments = append(s.segments[:i:i], s.segments[i+1:]...)
		i--
		s.enqueue(g)
	}
}
