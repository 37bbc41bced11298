package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"piway/shared/config"
	"piway/shared/files"
)

// errBusy says that another gateway, or a command on a stopped one, has the data folder.
var errBusy = errors.New("another piway-gateway uses the data folder")

// A diskError is one that the disk of the data folder may be to blame for, and no mistake of the user.
type diskError struct{ error }

func (e diskError) Unwrap() error { return e.error }

// onDisk marks an error as one of the disk. Of nil it makes nil.
func onDisk(err error) error {
	if err == nil {
		return nil
	}
	return diskError{err}
}

// lockData makes the data folder if need be, and takes it for this process. What root makes there is the folder's owner's. The kernel frees it when the process ends,
// however that happens. A folder that is there and cannot be written to is trouble of the disk; one that may not be made is
// a mistake.
func lockData(dir string) (*os.File, error) {
	if err := files.System.Mkdir(dir, 0o750); err != nil {
		mistake := config.Try(fmt.Errorf("data.dir: %w", err), "sudo, or set data.dir to a folder of yours")
		if errors.Is(err, fs.ErrPermission) {
			return nil, mistake
		}
		return nil, onDisk(mistake)
	}
	f, err := files.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, onDisk(fmt.Errorf("data.dir: %w", notOurs(dir, err)))
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	_ = f.Close() // nothing was written
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, config.Try(fmt.Errorf("data.dir: %w %s", errBusy, dir), "stop it, or set data.dir to another folder")
	}
	return nil, fmt.Errorf("data.dir: locking %s: %w", f.Name(), err)
}

// notOurs adds what to do to the error of a data folder of somebody else's, or with files of somebody else's in it.
func notOurs(dir string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return config.Try(err, fmt.Sprintf("sudo chown -R %d:%d %s if it is this user's, or set data.dir to a folder of yours", os.Geteuid(), os.Getegid(), dir))
}

func (g *gateway) unlock() {
	if g.lock != nil {
		_ = g.lock.Close() // frees the lock
	}
}
