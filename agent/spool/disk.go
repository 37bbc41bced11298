package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"piway/shared/files"
)

// disk is the folder's state.
type disk struct {
	lock    *os.File  // the folder itself; nil until it is used
	away    bool      // it is there, or was, and is not used: it is to be tried again
	file    uint64    // number of the last file
	synced  time.Time // the last fsync
	taken   error     // another process had it at the start
	failed  bool      // and that is told
	retryAt time.Time
	litter  []string // files of which nothing is needed, and that are to be removed
	timer   *time.Timer
	timerAt time.Time
	closed  bool
}

// errLocked means that another process uses the folder.
var errLocked = errors.New("another piway-agent uses it; each needs a folder of its own (spool.dir)")

// openDisk takes what earlier processes left, if the folder is there. It makes none: nothing is written before it must
// be.
func (s *Spool) openDisk() {
	if s.cfg.Dir == "" {
		return
	}
	s.takeUp()
	if n := len(s.segments); n > 0 {
		s.cfg.Log.Info("an earlier run left readings that are not acknowledged; they go first", "dir", s.cfg.Dir, "bytes",
			s.bytes())
	}
}

// Taken is the error of a folder that another process had when this spool was opened. What is in it is that one's, and
// nothing of this spool's is kept on disk.
func (s *Spool) Taken() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.disk.taken
}

// takeUp uses a folder that is there, with what is in it, and makes that durable. It makes none.
func (s *Spool) takeUp() {
	if s.disk.lock == nil {
		err := s.lockDir()
		if errors.Is(err, fs.ErrNotExist) {
			s.disk.away = false
			s.adopt(nil)
			return
		}
		if errors.Is(err, errLocked) && len(s.segments) == 0 {
			s.disk.taken = err
		}
		if err != nil {
			s.fail(err)
			return
		}
	}
	s.keep(func(g *segment) bool { return g.anew })
}

// lockDir takes the folder for this process, and what is in it.
func (s *Spool) lockDir() error {
	s.disk.away = true
	f, err := os.Open(s.cfg.Dir)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close() //nolint:errcheck // the first error is the one to tell
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("%w%s", errLocked, files.HeldBy(f))
		}
		return fmt.Errorf("locking %s: %w", s.cfg.Dir, err)
	}
	left, last, torn, err := listSegments(s.cfg.Dir)
	if err != nil {
		_ = f.Close() // the first error is the one to tell
		return err
	}
	s.disk.lock, s.disk.away, s.disk.file = f, false, max(s.disk.file, last)
	s.toRemove(torn...)
	s.sweep()
	s.adopt(left)
	return nil
}

// adopt puts files that were found behind what is there; at the start that is nothing. Files of this process that are
// no longer found are gone.
func (s *Spool) adopt(left []*segment) {
	own := map[string]*segment{}
	for _, g := range s.segments {
		if g.path != "" {
			own[g.path] = g
		}
	}
	fresh := slices.DeleteFunc(left, func(f *segment) bool {
		g := own[f.path]
		delete(own, f.path)
		return g != nil && s.ours(f, g)
	})
	var gone []*segment
	for _, g := range own {
		if g.kept && !g.loaded {
			gone = append(gone, g)
		}
	}
	s.gone(gone...)
	if len(fresh) > 0 {
		// Only the newest can be in the kernel's memory alone: the next file is begun when all before are on the disk.
		fresh[len(fresh)-1].anew = true
		s.enqueue(fresh...)
	}
}

// ours reports whether a file that was found under the name of the segment g's is the one that this process wrote:
// then it goes by what it knows of it. If not, g loses the name.
func (s *Spool) ours(found, g *segment) bool {
	if g.kept || s.sameRun(found, g) {
		return true
	}
	g.path = ""
	return false
}

// sameRun reports whether a file that was found under the name of a segment's holds what this process wrote there.
func (s *Spool) sameRun(found, g *segment) bool {
	if _, err := found.load(s.cfg.FS); err != nil {
		return false
	}
	same := len(found.reports) == 0 || (len(g.reports) > 0 && found.reports[0].Run == g.reports[0].Run)
	found.loaded, found.reports = false, nil
	return same
}

// enqueue puts segments behind all others, where whoever reads on will find them.
func (s *Spool) enqueue(list ...*segment) {
	running := len(s.segments) > 0
	if running {
		s.seal(s.last())
	}
	for _, g := range list {
		s.number++
		g.number = s.number
	}
	s.segments = append(s.segments, list...)
	if running {
		s.begin()
	}
}

// gone tells of files that are not there any more, and forgets them.
func (s *Spool) gone(list ...*segment) {
	if len(list) == 0 {
		return
	}
	var bytes int64
	for _, g := range list {
		bytes += g.size
		*g = segment{number: g.number, loaded: true, sealed: true}
	}
	s.cfg.Log.Error("files of the spool are gone, and the readings in them", "dir", s.cfg.Dir, "files", len(list), "bytes",
		bytes)
}

// ready makes sure that files can be made in the folder.
func (s *Spool) ready() error {
	if s.disk.lock != nil {
		return nil
	}
	if err := s.cfg.FS.Mkdir(s.cfg.Dir, 0o700); err != nil {
		return err
	}
	return s.lockDir()
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
	if s.disk.timer != nil {
		s.disk.timer.Stop()
	}
	s.look()
	s.seal(s.last())
	s.sweep()
	if s.cfg.Dir != "" && (s.inMemory() > 0 || s.anew()) {
		s.spill()
	}
	left := Left{Bytes: s.bytes(), Lost: s.inMemory()}
	if s.disk.lock != nil {
		_ = s.disk.lock.Close() // and with it the lock
		s.disk.lock = nil
	}
	return left
}
