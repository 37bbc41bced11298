package own

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"piway/shared/sample"
)

const (
	// maxBytes of a file are read.
	maxBytes = 64 << 10
	// unfinished is how long a file may be one that somebody is writing just now.
	unfinished = 2 * time.Second
)

// An entry is what is known of a file.
type entry struct {
	name  string
	stamp fs.FileInfo // as it was read last; nil if it is to be read at the next look, whatever it looks like

	readings []reading
	sample.Refusals
	since time.Time // the readings count from
	fresh bool      // nothing of them was given yet, though they hold no more perhaps

	fault      error // why it cannot be read as a whole
	faultSince time.Time
}

// look brings the entry up to date. It returns false if the file is gone.
func (e *entry) look(l look) bool {
	path := filepath.Join(l.dir, e.name)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false
	case err == nil && e.stamp != nil && same(e.stamp, info):
		return true
	}
	text, info, err := readPlain(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		e.stamp, e.fault, e.faultSince = nil, worded(err, e.name), time.Time{}
		return true
	}
	e.stamp = info
	readings, refusals, err := parse(text, l.device)
	since := l.now.Add(-l.age(info.ModTime()))
	if errors.Is(err, errReport) {
		since = time.Time{} // it is whole
	}
	if err != nil {
		e.fault, e.faultSince = err, since
		return true
	}
	e.fault = nil
	e.readings, e.Refusals, e.since, e.fresh = readings, refusals, since, !l.first
	return true
}

// same reports whether a file was not written since. Its mode and owner may have changed.
func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// Reasons for which a file is not read.
var (
	errLink   = errors.New("a symbolic link, and links are not followed; write the file itself")
	errKind   = errors.New("no plain file, and nothing else is read")
	errSecond = errors.New("has a second name (a hard link), and is not read; write a new file")
	errLarge  = fmt.Errorf("more than %d bytes, which are the most that are read", maxBytes)
)

// readPlain reads a plain file, and nothing that only bears its name. The FileInfo is of before it was read.
func readPlain(path string) ([]byte, fs.FileInfo, error) {
	if err := plain(os.Lstat(path)); err != nil { // opening a device may do something
		return nil, nil, err
	}
	f, info, err := openPlain(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err == nil && len(text) > maxBytes {
		err = errLarge
	}
	return text, info, err
}

// openPlain opens what is a plain file when it is open, whatever it was before.
func openPlain(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err := plain(info, err); err != nil {
		_ = f.Close() // only opened
		return nil, nil, err
	}
	return f, info, nil
}

// plain returns nil for a plain file with one name.
func plain(info fs.FileInfo, err error) error {
	switch {
	case err != nil:
		return err
	case info.Mode().Type() == fs.ModeSymlink:
		return errLink
	case !info.Mode().IsRegular():
		return errKind
	case info.Size() > maxBytes:
		return errLarge
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Nlink > 1 {
		return errSecond
	}
	return nil
}

// worded says in a refusal, which stands beside the file, what went wrong with it.
func worded(err error, name string) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the agent may not read it: chmod g+r %q", name)
	case errors.Is(err, syscall.ELOOP):
		return errLink
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
