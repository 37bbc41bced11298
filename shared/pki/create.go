package pki

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"piway/shared/files"
)

// tempEnd ends the name of a key that is being written, after the name that it will have and some random letters.
const tempEnd = ".tmp"

// create makes a file that must not be there before, with mode 0600. nil means that all of it is on disk; an error, that
// this call has left nothing at path, unless removing that failed too. It is fs.ErrExist where a file is there. At no
// time is a part of the file at path, whenever the power is cut.
func create(f files.FS, path string, text []byte) error {
	temp := path + "." + rand.Text() + tempEnd
	w, err := f.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, privateMode)
	if err != nil {
		return err
	}
	defer func() { _ = f.Remove(temp) }() // what remains is nobody's key
	_, werr := w.Write(text)
	if err := errors.Join(werr, w.Sync(), w.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", temp, err)
	}
	if err := link(f, temp, path); err != nil {
		return err
	}
	if err := syncDir(f, filepath.Dir(path)); err != nil {
		_ = f.Remove(path) // the first error is the one to tell
		return err
	}
	return nil
}

// link gives a file its name if nobody has that. Where the file system has no links, as vfat, it can only look first.
func link(f files.FS, temp, path string) error {
	err := os.Link(temp, path)
	if !errors.Is(err, syscall.EPERM) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return f.Rename(temp, path)
}

// syncDir is SyncDir where there is such a thing.
func syncDir(f files.FS, dir string) error {
	if err := f.SyncDir(dir); err != nil && !files.NoFolderSync(err) {
		return err
	}
	return nil
}

// readAll is the content of a file, which is small.
func readAll(f files.FS, path string) ([]byte, error) {
	r, err := f.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: has more than %d bytes, which no such file has", path, maxFile)
	}
	return text, err
}
