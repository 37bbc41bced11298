package store

import (
	"context"
	"errors"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors after which the queue has to be opened anew. Callers do that and wait longer from time to time.
var (
	// ErrDamaged says that the store holds what was never written to it. Open then salvages it.
	ErrDamaged = errors.New("the store is damaged")
	// ErrDisk says that reading or writing failed. Open then reads all of the store before it uses it.
	ErrDisk = errors.New("the disk fails")
)

// ErrAstray says that the names of the store's files are not those of what is open any more.
var ErrAstray = errors.New("the store is not where it was")

// errNewer refuses a file that a newer version wrote: that is no damage.
var errNewer = errors.New("it was written by a newer piway-gateway")

// A Trouble is what an error says of the disk.
type Trouble int

// The troubles that there are.
const (
	None     Trouble = iota // it says nothing of the disk
	Full                    // the disk has no room
	AtBound                 // the file may not grow; the disk has room
	ReadOnly                // or this user may not write
	Failing                 // to read or write
	Astray                  // the files are not where they were
	Damaged                 // the store holds what was never written to it
	Unknown                 // it may be that, or a passing error
)

// TroubleOf tells what is behind an error of a store in the folder dir.
func TroubleOf(err error, dir string) Trouble {
	var serr *sqlite.Error
	var errno syscall.Errno
	switch {
	case errors.Is(err, ErrDamaged):
		return Damaged
	case errors.Is(err, ErrAstray):
		return Astray
	case errors.Is(err, ErrDisk):
		return Failing
	case err == nil, errors.Is(err, errNewer), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return None
	case errors.As(err, &serr) && serr.Code() == sqlite3.SQLITE_CONSTRAINT_TRIGGER:
		return None // the store has no triggers: this one is an operator's
	case errors.As(err, &serr):
		return troubleOfCode(serr.Code()&0xff, dir)
	case errors.As(err, &errno):
		return troubleOfErrno(errno)
	default:
		return Unknown
	}
}

func troubleOfErrno(errno syscall.Errno) Trouble {
	switch errno { //nolint:exhaustive // the others are no trouble of a disk
	case syscall.ENOSPC, syscall.EDQUOT:
		return Full
	case syscall.EROFS, syscall.EACCES, syscall.EPERM:
		return ReadOnly
	case syscall.EIO:
		return Failing
	case syscall.EISDIR:
		return Damaged // something else lies in the store's place
	default:
		return None
	}
}

func troubleOfCode(code int, dir string) Trouble {
	switch code {
	case sqlite3.SQLITE_FULL:
		if free, err := Room(dir); err == nil && free >= scarce {
			return AtBound
		}
		return Full
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		// SQLite calls a quota or a read-only file system an I/O error.
		if t := TroubleOf(TryWrite(dir), dir); t == Full || t == ReadOnly {
			return t
		}
		return Failing
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_ABORT:
		return None
	case sqlite3.SQLITE_ERROR: // a table is not there, or the last transaction did not end
		return Unknown
	default:
		// CORRUPT and NOTADB; or a value that only damage can have put there.
		return Damaged
	}
}

// Unsynced reports whether after an error of a transaction the kernel may show what is not on the disk.
func Unsynced(err error) bool {
	var serr *sqlite.Error
	return errors.As(err, &serr) && serr.Code()&0xff == sqlite3.SQLITE_IOERR || errors.Is(err, syscall.EIO) ||
		errors.Is(err, ErrAstray)
}

// Unreadable reports whether an error is one of reading.
func Unreadable(err error) bool {
	var serr *sqlite.Error
	if !errors.As(err, &serr) {
		return false
	}
	return serr.Code() == sqlite3.SQLITE_IOERR_READ || serr.Code() == sqlite3.SQLITE_IOERR_SHORT_READ
}
