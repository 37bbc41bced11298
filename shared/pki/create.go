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

// create makes a file that must not be there before, with mode 0600. nil means that all of it is on disk; an error, that
// this call has left nothing at path, unless removing that failed too. It is fs.ErrExist where there is something. At no
// time is a part of the file at path, whenever the power is cut.
func create(f files.FS, path string, text []byte) error {
	err := put(f, path, text, link)
	if err == nil || errors.Is(err, errUnnamed) {
		return err
	}
	_ = f.Remove(path) // the first error is the one to tell
	return err
}

// errUnnamed says that what was to be written has not got its name.
var errUnnamed = errors.New("making the file")

// put writes a file of another name, which nobody could know, has name give it its own, and makes all that durable.
func put(f files.FS, path string, text []byte, name func(f files.FS, temp, path string) error) error {
	temp := path + "." + rand.Text() + ".tmp"
	w, err := f.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, privateMode)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnnamed, err)
	}
	defer func() { _ = f.Remove(temp) }() // what remains is nobody's key
	_, err = w.Write(text)
	if err = errors.Join(err, w.Sync(), w.Close()); err == nil {
		err = name(f, temp, path)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errUnnamed, err)
	}
	return syncDirs(f, filepath.Dir(path))
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

// confirm makes a file durable that create may have only begun to, in a process that was killed or could not remove what
// it had made: it writes the same again, since a sync that succeeds after one that failed means nothing.
func confirm(f files.FS, path string) error {
	text, err := readAll(f, path)
	if err != nil {
		return err
	}
	return put(f, path, text, files.FS.Rename)
}

// syncDirs makes the entries of a folder durable, and its own: who made it may have been killed before that.
func syncDirs(f files.FS, dir string) error {
	if err := f.SyncDir(dir); err != nil && !files.NoFolderSync(err) {
		return err
	}
	err := f.SyncDir(filepath.Dir(dir))
	if files.NoFolderSync(err) || errors.Is(err, fs.ErrPermission) { // not a folder that this user could have made it in
		return nil
	}
	return err
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
