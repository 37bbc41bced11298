package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"piway/shared/files"
)

// scarce is how little free space counts as a full disk.
const scarce = 16 << 20

// A Ballast is a file that is given up when the disk is full, so that what makes room has room itself: SQLite writes
// to its log to delete.
type Ballast struct {
	Path string
	Size int64 // bytes, 0 for none
}

// Make writes the file, if there is clearly room. It really takes the space: nothing is sparse.
func (b Ballast) Make() bool {
	if b.Size <= 0 || b.there() {
		return b.Size > 0
	}
	if free, err := Room(filepath.Dir(b.Path)); err != nil || free < 2*b.Size {
		return false
	}
	if err := writeSynced(b.Path, b.Size); err != nil {
		_ = os.Remove(b.Path) // a part of it is of no use
		return false
	}
	return true
}

func (b Ballast) there() bool {
	info, err := os.Stat(b.Path)
	return err == nil && info.Size() >= b.Size
}

// Free gives the space back. It reports whether there was any.
func (b Ballast) Free() bool { return b.Size > 0 && os.Remove(b.Path) == nil }

// Room is how many bytes a user may still write to the file system of a folder.
func Room(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("looking at the free space of %s: %w", dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:gosec,unconvert // fits; int32 on some machines
}

// TryWrite writes a little into a folder, down to the disk.
func TryWrite(dir string) error {
	path := filepath.Join(dir, "probe")
	err := writeSynced(path, 64<<10)
	if rerr := os.Remove(path); err == nil && !errors.Is(rerr, fs.ErrNotExist) {
		err = rerr
	}
	return err
}

func writeSynced(path string, size int64) error {
	f, err := files.System.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	zeros := make([]byte, 64<<10)
	for left := size; left > 0 && err == nil; left -= int64(len(zeros)) {
		_, err = f.Write(zeros[:min(left, int64(len(zeros)))])
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
