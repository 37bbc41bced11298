package queue

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"piway/gateway/pass"
)

// Errors after which the queue has to be opened anew. Callers do that and wait longer from time to time.
var (
	// ErrDamaged says that the store holds what was never written to it. Open then salvages it.
	ErrDamaged = errors.New("the store is damaged")
	// ErrDisk says that reading or writing failed. Open then reads all of the store before it uses it.
	ErrDisk = errors.New("the disk fails")
)

// errNewer refuses a file that a newer version wrote: that is no damage.
var errNewer = errors.New("it was written by a newer piway-gateway")

// trouble is what an error says of the disk.
type trouble int

const (
	noTrouble trouble = iota // it says nothing of the disk
	diskFull
	atBound // the file may not grow; the disk has room
	readOnly
	failing
	astray // the files are not where they were
	damaged
	unknown
)

// troubleOf tells what is behind an error of a store in the folder dir.
func troubleOf(err error, dir string) trouble {
	var serr *sqlite.Error
	var errno syscall.Errno
	switch {
	case errors.Is(err, ErrDamaged):
		return damaged
	case errors.Is(err, errAstray):
		return astray
	case errors.Is(err, ErrDisk):
		return failing
	case err == nil, errors.Is(err, errNewer), errors.Is(err, ErrClosed),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return noTrouble
	case errors.As(err, &serr) && serr.Code() == sqlite3.SQLITE_CONSTRAINT_TRIGGER:
		return noTrouble // the store has no triggers: this one is an operator's
	case errors.As(err, &serr):
		return troubleOfCode(serr.Code()&0xff, dir)
	case errors.As(err, &errno):
		return troubleOfErrno(errno)
	default:
		return unknown
	}
}

func troubleOfErrno(errno syscall.Errno) trouble {
	switch errno { //nolint:exhaustive // the others are no trouble of a disk
	case syscall.ENOSPC, syscall.EDQUOT:
		return diskFull
	case syscall.EROFS, syscall.EACCES, syscall.EPERM:
		return readOnly
	case syscall.EIO:
		return failing
	case syscall.EISDIR:
		return damaged // something else lies in the store's place
	default:
		return noTrouble
	}
}

func troubleOfCode(code int, dir string) trouble {
	switch code {
	case sqlite3.SQLITE_FULL:
		if free, err := room(dir); err == nil && free >= scarce {
			return atBound
		}
		return diskFull
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		// SQLite calls a quota or a read-only file system an I/O error.
		if t := troubleOf(tryWrite(dir), dir); t == diskFull || t == readOnly {
			return t
		}
		return failing
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_ABORT:
		return noTrouble
	case sqlite3.SQLITE_ERROR: // a table is not there, or the last transaction did not end
		return unknown
	default:
		// CORRUPT and NOTADB; or a value that only damage can have put there.
		return damaged
	}
}

// IsTrouble reports whether err, of anything in the data folder dir, comes from its disk and not from a mistake of the
// user, so that trying again later can help; and what the operator can do.
func IsTrouble(err error, dir string) (fix string, ok bool) {
	switch troubleOf(err, dir) { //nolint:exhaustive // the others do not keep it from being opened
	case diskFull:
		return fixFull, true
	case readOnly:
		return fixReadOnly, true
	case failing, astray, damaged:
		return "look at the kernel's log (dmesg); the disk or SD card may be worn out", true
	default:
		return "", false
	}
}

// notice ends Run if what a reader met means that the store has to be opened anew.
func (q *Queue) notice(err error) {
	if err == nil || errors.Is(err, pass.ErrNone) {
		return
	}
	switch troubleOf(err, filepath.Dir(q.cfg.Path)) { //nolint:exhaustive // a reader needs no room
	case damaged:
		q.fail(fmt.Errorf("%w: %w", ErrDamaged, err))
	case failing, unknown:
		q.fail(fmt.Errorf("%w: %w", ErrDisk, err))
	}
}

// fail makes Run end with the first error it is given.
func (q *Queue) fail(err error) {
	select {
	case q.sick <- err:
	default:
	}
}
