// Package files is what a promise asks of a file system: bytes and names that outlive a power cut.
//
// Its one promise: nil from Replace, Rewrite, Sync and SyncDir means that a power cut changes nothing of it any more. An
// error of any of them means that what was written since the last success may be there, in part, or not at all, whatever
// reading it back shows: the kernel marks pages clean that it failed to write, and serves them from memory until it
// forgets them. So nothing is read back to find out; what must be there is written again, to another file where that
// can be.
//
// Tests put a disk that lies in the system's place, see the package lying.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A File is open. *os.File is one.
type File interface {
	io.Reader
	io.Writer
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Sync makes what was written durable, but not the file's entry in its folder.
	Sync() error
	Truncate(size int64) error
	Stat() (fs.FileInfo, error)
}

// An FS is where files are.
type FS interface {
	// OpenFile is os.OpenFile; what root makes in somebody's folder is that somebody's.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Mkdir makes a folder, its parents too if need be, with their entries durable. After an error it is not there, or was
	// there before; unless removing it failed as well. Then it is there, a power cut may take it along, and no later call
	// can tell.
	Mkdir(name string, perm fs.FileMode) error
	// Rename and Remove change entries of folders; SyncDir makes a folder's entries durable.
	Rename(from, to string) error
	Remove(name string) error
	SyncDir(name string) error
}

// System is the file system of this machine.
var System FS = system{}

type system struct{}

func (system) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := OpenFile(name, flag, perm)
	if err != nil {
		return nil, err // and no *os.File that is nil
	}
	return f, nil
}

func (system) Rename(from, to string) error { return os.Rename(from, to) }
func (system) Remove(name string) error     { return os.Remove(name) }

// Mkdir is os.MkdirAll, and SyncDir of each folder that got an entry. If this is root, each folder has the owner of the
// one that it is in, and its mode whatever the umask; those above the last one are for all to enter. What could not be made durable is removed again: the next call would take it for durable.
func (s system) Mkdir(name string, perm fs.FileMode) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(name)
	if parent != name {
		// Whom the folder is given to must get there.
		if err := s.Mkdir(parent, perm|0o011); err != nil {
			return err
		}
	}
	made := mkdir(name, perm)
	if made != nil && !errors.Is(made, fs.ErrExist) {
		return made
	}
	err := s.SyncDir(parent)
	if err == nil || NoFolderSync(err) {
		return nil
	}
	if made == nil {
		_ = os.Remove(name) // the first error is the one to tell
	}
	return err
}

func (system) SyncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("syncing the folder %s: %w", name, err)
	}
	return nil
}

// replaceSuffix is that of a file that is to take the place of another.
const replaceSuffix = ".tmp"

// Replace makes text the content of the file at path: it writes PATH.tmp, syncs it, renames it and syncs the folder.
// After an error before the rename the old content is there. After one of the folder's sync (ErrUnsure) either may be.
func Replace(f FS, path string, text []byte, perm fs.FileMode) error {
	temp := path + replaceSuffix
	if err := write(f, temp, text, perm); err != nil {
		_ = f.Remove(temp) // the first error is the one to tell
		return err
	}
	return place(f, temp, path)
}

// place gives a file that is synced its name, or removes it.
func place(f FS, temp, path string) error {
	if err := f.Rename(temp, path); err != nil {
		_ = f.Remove(temp) // the first error is the one to tell
		return err
	}
	if err := f.SyncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsure, err)
	}
	return nil
}

// ErrUnsure says that both the old and the new content may be what the next start finds.
var ErrUnsure = errors.New("the change may not survive a power cut")

func write(f FS, path string, text []byte, perm fs.FileMode) error {
	// What lies there is of a process that was killed.
	if err := f.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w, err := f.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return err
	}
	_, werr := w.Write(text)
	return errors.Join(werr, w.Sync(), w.Close())
}
