package queue

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

// A ballast is a file that is given up when the disk is full, so that what makes room has room itself: SQLite writes
// to its log to delete.
type ballast struct {
	path string
	size int64 // 0 for none
}

// make writes the file, if there is clearly room. It really takes the space: nothing is sparse.
func (b ballast) make() bool {
	if b.size <= 0 || b.there() {
		return b.size > 0
	}
	if free, err := room(filepath.Dir(b.path)); err != nil || free < 2*b.size {
		return false
	}
	if err := writeSynced(b.path, b.size); err != nil {
		_ = os.Remove(b.path) // a part of it is of no use
		return false
	}
	return true
}

func (b ballast) there() bool {
	info, err := os.Stat(b.path)
	return err == nil && info.Size() >= b.size
}

// free gives the space back. It reports whether there was any.
func (b ballast) free() bool { return b.size > 0 && os.Remove(b.path) == nil }

// room is how many bytes a user may still write to the file system of a folder.
func room(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("looking at the free space of %s: %w", dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:gosec,unconvert // fits; int32 on some machines
}

// tryWrite writes a little into a folder, down to the disk.
func tryWrite(dir string) error {
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
