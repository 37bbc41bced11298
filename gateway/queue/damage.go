package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"piway/gateway/pass"
	"piway/shared/files"
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

// check reads all of the store and returns ErrDamaged if its structure is not sound. It does not see a changed value.
func check(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, verdict)
	}
	return nil
}

// A mark beside the store tells the next Open what to do before it trusts it.
const (
	markSuffix  = ".suspect"
	markCheck   = "check"   // read all of it; perhaps with the number of times that this has failed
	markSalvage = "salvage" // it is damaged
	// salvageAfter is how often reading a store must have failed before what can be read of it is taken: over a minute, with
	// the pauses between two tries. An error that passes costs nothing then.
	salvageAfter = 6
)

// setMark is best effort: without it the next Open finds out by itself, or the next use does.
func setMark(path, mark string) {
	f, err := files.System.OpenFile(path+markSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = f.Write([]byte(mark)) // best effort
	_ = f.Close()
}

func readMark(path string) (mark string, failed int) {
	text, err := os.ReadFile(path + markSuffix)
	if err != nil {
		return "", 0
	}
	mark, times, _ := strings.Cut(string(text), " ")
	failed, _ = strconv.Atoi(times) // 0 for none
	return mark, failed
}

// suspect leaves the mark that an error asks for.
func suspect(path string, err error) {
	switch {
	case errors.Is(err, errMoved): // the copy is sound
	case errors.Is(err, ErrDamaged):
		setMark(path, markSalvage)
	case errors.Is(err, ErrDisk):
		setMark(path, markCheck)
	}
}

// openStore opens the store, or what can be salvaged of it.
func (q *Queue) openStore(ctx context.Context) error {
	path := q.cfg.Path
	aside, err := swap(&q.cfg)
	if err != nil {
		return err
	}
	if aside != "" {
		q.cfg.Log.Warn("a copy takes the store's place, what was there is set aside", "aside", aside)
	}
	_ = clearNew(&q.cfg) // a copy that was not finished only takes room
	mark, failed := readMark(path)
	err = q.tryOpen(ctx, mark)
	if troubleOf(err, q.disk.dir()) == diskFull && q.disk.ballast.free() {
		err = q.tryOpen(ctx, mark) // a file system that copies on write needs room to write in place
	}
	if err == nil {
		return unmark(path, mark)
	}
	if err := q.mayPass(err, failed); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	q.disk.ballast.free()
	if serr := replace(ctx, &q.cfg, err); serr != nil {
		return fmt.Errorf("%w (and salvaging: %w)", err, serr)
	}
	if err := unmark(path, mark); err != nil {
		return err
	}
	return q.tryOpen(ctx, "")
}

// mayPass returns what to tell of an error that is no reason to salvage, nil for one that is. failed is how often the store
// could not be read before: that this lasts, and is the store's and not all of the disk's, is no passing error any more.
func (q *Queue) mayPass(err error, failed int) error {
	switch troubleOf(err, q.disk.dir()) { //nolint:exhaustive // the others are not to be salvaged
	case damaged, unknown:
		return nil
	case failing:
		if !unreadable(err) {
			return fmt.Errorf("%w: %w", ErrDisk, err)
		}
		failed++
		setMark(q.cfg.Path, fmt.Sprint(markCheck, " ", failed))
		if failed < salvageAfter || tryWrite(q.disk.dir()) != nil {
			return fmt.Errorf("%w: %w", ErrDisk, err)
		}
		return nil
	default:
		return err
	}
}

func unmark(path, mark string) error {
	if err := os.Remove(path + markSuffix); err != nil && (mark != "" || !errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	return nil
}

func (q *Queue) tryOpen(ctx context.Context, mark string) error {
	if mark == markSalvage {
		return ErrDamaged
	}
	db, err := openDB(ctx, &q.cfg)
	if err != nil {
		return err
	}
	if mark == markCheck {
		err = check(ctx, db)
	}
	if err == nil {
		q.w, err = newWriter(ctx, db, &q.cfg)
	}
	if err != nil {
		_ = db.Close() // the first error is the one to tell
		return err
	}
	q.db = db
	return nil
}
