package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"piway/shared/files"
	"piway/shared/sample"
)

const (
	// syncEvery is how long what was written may wait for an fsync: what a power cut may cost.
	syncEvery = 5 * time.Second
	// retryEvery is how often a folder or a file that could not be used is tried again.
	retryEvery = 5 * time.Minute
)

// spill puts all that is in memory only into files, oldest first. It returns false if it cannot, which it tells.
func (s *Spool) spill() bool {
	if err := s.ready(); err != nil {
		return s.fail(err)
	}
	if !s.keep(func(g *segment) bool { return !g.kept || g.anew }) {
		return false
	}
	if s.disk.failed {
		s.disk.failed = false
		s.cfg.Log.Info("the spool's folder can be used again", "dir", s.cfg.Dir)
	}
	return true
}

// keep saves the segments that are wanted. After the first that it cannot save it saves none: so there is never more
// than one file that cannot be trusted, and it is the newest.
func (s *Spool) keep(wanted func(*segment) bool) bool {
	for _, g := range s.segments {
		if !wanted(g) || !s.load(g) || g.waiting() == 0 {
			continue
		}
		if err := s.save(g); err != nil {
			return s.fail(err)
		}
	}
	return true
}

// save writes all that is in memory of a segment to a new file, in the place of the one that it may have, durable and
// with a durable entry. So no reading is in two files, and none in a file of which the disk said that it failed.
func (s *Spool) save(g *segment) error {
	text, err := g.encode()
	if err != nil {
		return err
	}
	if g.path == "" {
		s.disk.file++
		g.path = filepath.Join(s.cfg.Dir, fmt.Sprintf("%012d%s", s.disk.file, suffix))
	}
	err = files.Replace(s.cfg.FS, g.path, text, 0o600)
	if errors.Is(err, files.ErrUnsure) && files.NoFolderSync(err) {
		err = nil
	}
	if err != nil {
		s.toRemove(strings.TrimSuffix(g.path, suffix) + unfinished) // it is gone in most cases
		return err
	}
	if !g.sealed && !s.disk.closed {
		if g.file, err = s.cfg.FS.OpenFile(g.path, os.O_WRONLY|os.O_APPEND, 0); err != nil {
			return err
		}
		s.disk.synced = time.Now()
	}
	g.kept, g.anew, g.base, g.size, g.written = true, false, g.first, int64(len(text)), time.Now()
	g.known()
	s.release(g)
	return nil
}

// write appends a reading to the file of the last segment. If that fails it is in memory, as is all of the segment.
func (s *Spool) write(g *segment, line sample.Report) {
	if err := g.append(line); err != nil {
		g.distrust()
		s.fail(err)
	}
}

// seal ends a segment.
func (s *Spool) seal(g *segment) {
	g.sealed = true
	if g.file == nil {
		return
	}
	if err := g.close(); err != nil {
		g.distrust()
		s.fail(err)
	}
	s.release(g)
}

// release lets go of the memory of what is on the disk and not next in turn.
func (s *Spool) release(g *segment) {
	if g != s.segments[0] {
		g.unload()
	}
}

// sync brings to the disk what was written, now and then.
func (s *Spool) sync() {
	g := s.last()
	if !g.dirty || time.Since(s.disk.synced) < syncEvery {
		return
	}
	g.dirty, s.disk.synced = false, time.Now()
	if err := g.file.Sync(); err != nil {
		g.distrust() // the kernel says it once and then takes the pages for written
		s.fail(err)
	}
}

// fail tells once that the folder cannot be used, and has it tried again later. It returns false.
func (s *Spool) fail(err error) bool {
	s.disk.retryAt = time.Now().Add(retryEvery)
	if !s.disk.failed {
		s.disk.failed = true
		s.cfg.Log.Warn("the spool's folder cannot be used; readings are kept in memory, and a restart loses them", "dir",
			s.cfg.Dir, "err", err, "try", s.remedy(err))
	}
	return false
}

// remedy is what to do about a folder, or a file in it, that cannot be used.
func (s *Spool) remedy(err error) string {
	const other = ", or name another folder in spool.dir"
	switch {
	case errors.Is(err, syscall.EROFS):
		return "mount its file system writable; a worn-out card turns read-only" + other
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room on its file system" + other
	case !errors.Is(err, os.ErrPermission):
		return "see whether it is a folder of the agent's user on a sound disk" + other
	}
	if owner, ok := files.Owner(s.cfg.Dir); ok && owner != 0 && owner != os.Geteuid() {
		return "another folder in spool.dir: this one is another user's"
	}
	own := fmt.Sprintf("sudo chown -R %d:%d %s", os.Geteuid(), os.Getegid(), s.cfg.Dir)
	if _, err := os.Stat(s.cfg.Dir); errors.Is(err, os.ErrNotExist) {
		own = fmt.Sprintf("sudo install -d -m 700 -o %d -g %d %s", os.Geteuid(), os.Getegid(), s.cfg.Dir)
	}
	return own + other
}

// load has a segment in memory. It returns false if the file cannot be read, and tells that once; it is tried again
// later.
func (s *Spool) load(g *segment) bool {
	if g.loaded {
		return true
	}
	if time.Now().Before(g.retryAt) {
		return false
	}
	damaged, err := g.load(s.cfg.FS)
	switch {
	case errors.Is(err, os.ErrNotExist):
		s.gone(g)
		return true
	case err != nil:
		if g.retryAt.IsZero() {
			s.cfg.Log.Error("a file of the spool cannot be read; the others go on, and it is tried again", "file", g.path, "err",
				err, "every", retryEvery, "try", s.remedy(err))
		}
		g.retryAt = time.Now().Add(retryEvery)
		return false
	case !g.retryAt.IsZero():
		s.cfg.Log.Info("a file of the spool can be read again", "file", g.path)
		g.retryAt = time.Time{}
	}
	if damaged > 0 {
		s.cfg.Log.Warn("lines in a file of the spool are damaged; their readings are lost", "file", g.path, "lines", damaged)
	}
	return true
}

// discard removes a segment's file, unless its folder is not ours any more: what bears its name now may be another's.
func (s *Spool) discard(g *segment) {
	if s.disk.lock == nil {
		g.distrust()
		return
	}
	if err := g.remove(s.cfg.FS); err != nil {
		s.toRemove(g.path)
		s.fail(err)
	}
}

// toRemove notes files of which nothing is needed, and that are there still: the next start would send what is in them
// once more. They count for no bound, since giving up readings instead would not remove them.
func (s *Spool) toRemove(paths ...string) {
	for _, path := range paths {
		if !slices.Contains(s.disk.litter, path) {
			s.disk.litter = append(s.disk.litter, path)
		}
	}
}

// sweep removes what is noted as far as it can; the rest is tried again later.
func (s *Spool) sweep() {
	s.disk.litter = slices.DeleteFunc(s.disk.litter, func(path string) bool {
		err := s.cfg.FS.Remove(path)
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return true
		}
		return s.fail(err)
	})
}
