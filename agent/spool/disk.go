package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"piway/shared/sample"
)

const (
	// syncEvery is the least time between two fsyncs: what a power cut may cost.
	syncEvery = 5 * time.Second
	// retryEvery is how often a folder that could not be used is tried again.
	retryEvery = 5 * time.Minute
)

// disk is the folder's state.
type disk struct {
	lock    *os.File  // the folder itself; nil until it is used
	file    uint64    // number of the last file
	synced  time.Time // the last fsync
	failed  bool      // and that is told
	retryAt time.Time
	watched bool // a timer runs for what is in memory
	closed  bool
}

// errLocked means that another process uses the folder.
var errLocked = errors.New("another piway-agent uses it; each needs a folder of its own (spool.dir)")

// openDisk takes what earlier processes left, if the folder is there. It makes none: nothing is written before it must be.
func (s *Spool) openDisk() {
	if s.cfg.Dir == "" {
		return
	}
	if err := s.lockDir(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.fail(err)
	}
	if n := len(s.segments); n > 0 {
		s.cfg.Log.Info("an earlier run left readings that are not acknowledged, they go first", "dir", s.cfg.Dir, "bytes", s.bytes())
	}
}

// lockDir takes the folder for this process, and the files in it before all else.
func (s *Spool) lockDir() error {
	f, err := os.Open(s.cfg.Dir)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // the first error is the one to tell
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errLocked
		}
		return fmt.Errorf("locking %s: %w", s.cfg.Dir, err)
	}
	left, last, err := listSegments(s.cfg.Dir)
	if err != nil {
		_ = f.Close() // the first error is the one to tell
		return err
	}
	s.disk.lock, s.disk.file = f, last
	s.segments = append(left, s.segments...)
	return nil
}

// ready makes sure that files can be made in the folder.
func (s *Spool) ready() error {
	if s.disk.lock != nil {
		return nil
	}
	if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return err
	}
	return s.lockDir()
}

// spillIfDue takes what is in memory to the disk if nothing has been acknowledged for long.
func (s *Spool) spillIfDue() {
	now := time.Now()
	if s.cfg.Dir == "" || s.last().file != nil || now.Sub(s.quiet) < s.cfg.After || now.Before(s.disk.retryAt) {
		return
	}
	if s.spill() {
		s.cfg.Log.Info("the gateway does not answer, readings go to the disk until it does", "dir", s.cfg.Dir)
	}
}

// watch has what is in memory go to the disk when that is due, though no reading comes: they may be hours apart.
func (s *Spool) watch() {
	if s.cfg.Dir == "" || s.disk.watched || s.disk.closed || s.inMemory() == 0 {
		return
	}
	s.disk.watched = true
	time.AfterFunc(max(time.Until(s.quiet.Add(s.cfg.After)), time.Until(s.disk.retryAt)), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.disk.watched = false
		if !s.disk.closed && s.inMemory() > 0 {
			s.spillIfDue()
			s.watch()
		}
	})
}

// spill puts all that is in memory only into files. It returns false if it cannot, which it tells.
func (s *Spool) spill() bool {
	if err := s.ready(); err != nil {
		return s.fail(err)
	}
	for _, g := range s.segments {
		if g.path != "" || g.waiting() == 0 {
			continue
		}
		if err := s.create(g); err != nil {
			return s.fail(err)
		}
		if g != s.last() {
			s.seal(g)
		}
	}
	if s.disk.failed {
		s.disk.failed = false
		s.cfg.Log.Info("the spool's folder can be used again", "dir", s.cfg.Dir)
	}
	s.sync(s.last())
	return true
}

// create makes a segment's file, with what is in memory of it, and its entry in the folder durable.
func (s *Spool) create(g *segment) error {
	s.disk.file++
	if err := g.save(filepath.Join(s.cfg.Dir, fmt.Sprintf("%012d%s", s.disk.file, suffix))); err != nil {
		return err
	}
	_ = s.disk.lock.Sync() // not every file system can; the file's own fsync must do there
	return nil
}

// write appends a reading to the file of the last segment, under the number that it will have in memory, and returns the
// segment to which it belongs: another one if that is full, or if the file cannot be written.
func (s *Spool) write(g *segment, reading *sample.Report) *segment {
	if g.size >= segmentBytes || g.end() >= maxIndex {
		s.seal(g)
		g = s.begin()
		if err := s.create(g); err != nil {
			s.fail(err)
			return g
		}
	}
	line := *reading
	line.Seq = s.seq + 1
	if r := g.open(reading); r != nil {
		line.Seq = r.Seq
	}
	if err := g.append(line); err != nil {
		s.fail(err)
		s.seal(g)
		return s.begin()
	}
	s.sync(g)
	return g
}

// seal ends a segment. What is in its file need not be in memory until it is its turn, which has come when some of it was
// handed out: that is acknowledged in memory.
func (s *Spool) seal(g *segment) {
	g.sealed = true
	if err := g.close(); err != nil {
		s.fail(err)
	}
	if g != s.segments[0] && g.handed <= g.first {
		g.unload()
	}
}

// sync brings to the disk what was written, now and then.
func (s *Spool) sync(g *segment) {
	if g.file == nil || time.Since(s.disk.synced) < syncEvery {
		return
	}
	s.disk.synced = time.Now()
	if err := g.file.Sync(); err != nil {
		s.fail(err)
	}
}

// fail tells once that the folder cannot be used, and has it tried again later. It returns false.
func (s *Spool) fail(err error) bool {
	s.disk.retryAt = time.Now().Add(retryEvery)
	if !s.disk.failed {
		s.disk.failed = true
		s.cfg.Log.Warn("the spool's folder cannot be used, readings are kept in memory and a restart loses them", "dir", s.cfg.Dir,
			"err", err, "try", "make it writable for the agent's user, or name another one in spool.dir")
	}
	return false
}

// load reads a segment's file. It returns false if that cannot be done; the file then stays for the next start.
func (s *Spool) load(g *segment) bool {
	damaged, err := g.load()
	if err != nil {
		s.cfg.Log.Error("a file of the spool cannot be read, it is left alone", "file", g.path, "err", err)
		return false
	}
	if damaged > 0 {
		s.cfg.Log.Warn("lines in a file of the spool are damaged, their readings are lost", "file", g.path, "lines", damaged)
	}
	return true
}

// discard removes a segment's file.
func (s *Spool) discard(g *segment) {
	if err := g.remove(); err != nil {
		s.fail(err)
	}
}

// Left says what Close leaves behind.
type Left struct {
	// Bytes are in files, and go first at the next start. Lost reports are not.
	Bytes int64
	Lost  int
}

// Close takes what waits to the disk and gives the folder free. Nothing may be added after it.
func (s *Spool) Close() Left {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disk.closed = true
	if s.cfg.Dir != "" && !s.empty() {
		s.spill()
	}
	left := Left{Bytes: s.bytes()}
	for _, g := range s.segments {
		if g.path == "" {
			left.Lost += g.waiting()
		}
		if err := g.close(); err != nil {
			s.fail(err)
		}
	}
	if s.disk.lock != nil {
		_ = s.disk.lock.Close() // and with it the lock
	}
	return left
}
