// Package datadir is the folder in which a gateway keeps what must outlive it. Its one promise: of all processes one
// has it, and what root makes there is the folder's owner's.
package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"piway/shared/config"
	"piway/shared/files"
)

// ErrBusy says that another gateway, or a command on a stopped one, has the data folder.
var ErrBusy = errors.New("another piway-gateway uses the data folder")

// A DiskError is one that the disk of the data folder may be to blame for, and no mistake of the user.
type DiskError struct{ error }

func (e DiskError) Unwrap() error { return e.error }

// OnDisk marks an error as one of the disk. Of nil it makes nil.
func OnDisk(err error) error {
	if err == nil {
		return nil
	}
	return DiskError{err}
}

// Lock makes the folder if need be, and takes it for this process. Closing the file frees it, and the kernel does so
// when the process ends, however that happens. A folder that is there and cannot be written to is trouble of the disk;
// one that may not be made is a mistake.
func Lock(dir string) (*os.File, error) {
	if err := files.System.Mkdir(dir, 0o750); err != nil {
		mistake := config.Try(fmt.Errorf("data.dir: %w", err), "sudo, or set data.dir to a folder of yours")
		if errors.Is(err, fs.ErrPermission) {
			return nil, mistake
		}
		return nil, OnDisk(mistake)
	}
	f, err := files.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, OnDisk(fmt.Errorf("data.dir: %w", config.PermitData(err, dir)))
	}
	err = tryLock(f)
	for until := time.Now().Add(lockFor); errors.Is(err, syscall.EWOULDBLOCK) && time.Now().Before(until); err = tryLock(f) {
		time.Sleep(lockEvery)
	}
	if err == nil {
		return f, nil
	}
	defer f.Close() //nolint:errcheck // nothing was written
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, config.Try(fmt.Errorf("data.dir: %w %s%s", ErrBusy, dir, files.HeldBy(f)),
			"sudo systemctl stop piway-gateway, if it is the service; or another data.dir")
	}
	return nil, fmt.Errorf("data.dir: locking %s: %w", f.Name(), err)
}

// lockFor is how long Lock waits for another process to end: the one that had the folder, or a child that it forked and
// that has not begun its own program.
const lockFor, lockEvery = 500 * time.Millisecond, 20 * time.Millisecond

func tryLock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// Queue is the path of the store.
func Queue(dir string) string { return filepath.Join(dir, "queue.db") }

// PKI is the folder of what the gateway is known by on the LAN: its authority, and its certificate.
func PKI(dir string) string { return filepath.Join(dir, "pki") }

// Devices is the path of the device list.
func Devices(dir string) string { return filepath.Join(dir, "devices.json") }
