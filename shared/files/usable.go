package files

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// probe is how much Usable writes: more than what is left in a file that is there.
const probe = 64 << 10

// Usable returns nil if this process's user can keep files in a folder now: a new one can be written and synced, and all
// that are there can be read and written. What it writes it removes. A folder that is not there is fs.ErrNotExist, if it
// could be made.
func Usable(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := makeable(dir); err != nil {
			return err
		}
		return fmt.Errorf("%s: %w", dir, fs.ErrNotExist)
	}
	temp, err := Temp(dir, bytes.Repeat([]byte{'x'}, probe), func(f *os.File) error { return OwnLike(f, dir) })
	if err != nil {
		return err
	}
	if err := os.Remove(temp); err != nil {
		return err
	}
	return filepath.WalkDir(dir, accessible)
}

// accessible is a fs.WalkDirFunc that fails where this user may not do all. What goes meanwhile is no failure.
func accessible(path string, e fs.DirEntry, err error) error {
	const read, write, enter = 4, 2, 1
	switch {
	case err != nil || e.Type()&fs.ModeSymlink != 0:
	case e.IsDir():
		err = using(path, read|write|enter)
	default:
		err = using(path, read|write)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func using(path string, mode uint32) error {
	if err := syscall.Access(path, mode); err != nil {
		return &fs.PathError{Op: "using", Path: path, Err: err}
	}
	return nil
}

// makeable returns nil if the first folder above dir that is there takes new entries.
func makeable(dir string) error {
	above := filepath.Dir(dir)
	err := syscall.Access(above, 2|1)
	if errors.Is(err, fs.ErrNotExist) && above != dir {
		if _, lerr := os.Lstat(above); lerr != nil {
			return makeable(above)
		}
	}
	if err != nil {
		return &fs.PathError{Op: "making", Path: dir, Err: err}
	}
	return nil
}

// IsOpen reports whether every user of this machine may read or replace a file, by its mode. A secret that a container
// is given (/run/secrets) is readable there for all, who are nobody but the program.
func IsOpen(path string) bool {
	const others = 0o007
	if filepath.Dir(path) == "/run/secrets" {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&others != 0
}

// IsForeign reports whether a file or folder is there and not root's.
func IsForeign(path string) bool {
	uid, ok := Owner(path)
	return ok && uid != 0
}

// Owner returns whose a file or folder is; ok is false where that cannot be seen.
func Owner(path string) (uid int, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}
