// Package wal looks after the store's write-ahead log. SQLite appends each commit to it and syncs it; a checkpoint
// moves what is in it to the store's file.
//
// Its promise: the log stays short, or the one who keeps it long is named; and an error of moving it is never lost.
// SQLite moves it by itself too, but then keeps errors to itself: the log would grow without bound, and nobody would
// know. So it is asked to, here, when the log holds 6 MB, and to empty it after a minute without a commit; and what it
// answers counts. Who reads the store for so long that the log grows is found in `/proc/locks`.
package wal

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"piway/gateway/queue/store"
)

const (
	// lookAfter is after how many commits the log's length is looked at, beside each tick.
	lookAfter = 16
	// idleAfter is how long nothing must have been committed for the log to be emptied.
	idleAfter = time.Minute
	// long is a log that somebody holds up: 16 times what it should be.
	long = 16 * store.LogBytes
	// keep is what the log's file may keep of its length once all of it is moved.
	keep = 2 * store.LogBytes
)

// A State is what SQLite says of a log.
type State struct {
	Busy         bool
	Pages, Moved int // in the log, and of them in the store's file too
}

// Modes of a checkpoint. noop only looks; passive moves what nobody reads; truncate waits for readers and leaves an
// empty log.
const (
	noop     = "NOOP"
	passive  = "PASSIVE"
	truncate = "TRUNCATE"
)

// A Log is that of a store. The goroutine that writes to the store uses it, but for Size.
type Log struct {
	conn *store.Conn
	path string // of the store
	log  *slog.Logger

	commits     int           // since it was last looked at
	last        time.Duration // monotonic, of the last commit
	tried       int           // pages in it when it was last moved, as far as that went
	checkpoints int           // so far
	empty       bool          // nothing was committed since it was emptied

	mu    sync.Mutex // guards what follows
	bytes int64
	by    string // who holds it up, where it is long
}

// New looks after the log of the store at path, by the connection that writes to it.
func New(conn *store.Conn, path string, log *slog.Logger) *Log {
	return &Log{conn: conn, path: path, log: log}
}

// checkpoint reads what is durable of the log and writes it to the store's file, and syncs that; a power cut inside it
// changes nothing. The store's files change their sizes by it, and by nothing else but commits.
func (l *Log) checkpoint(ctx context.Context, mode string) (s State, err error) {
	if mode != noop {
		l.checkpoints++
	}
	if mode == truncate { // which waits for readers, and the senders with it
		if _, err := l.conn.Raw().ExecContext(ctx, "PRAGMA busy_timeout=50"); err != nil {
			return s, err
		}
		defer func() { _, _ = l.conn.Raw().ExecContext(ctx, store.BusyTimeout) }() // only sets a number
	}
	err = l.conn.Raw().QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&s.Busy, &s.Pages, &s.Moved)
	if err != nil {
		return s, fmt.Errorf("moving the log into the store: %w", err)
	}
	return s, nil
}

// Look returns what SQLite knows of the log, and how often this process has moved it.
func (l *Log) Look(ctx context.Context) (s State, checkpoints int, err error) {
	s, err = l.checkpoint(ctx, noop)
	return s, l.checkpoints, err
}

// Empty moves all of the log and reports whether it is empty and that durable.
func (l *Log) Empty(ctx context.Context) bool {
	s, err := l.checkpoint(ctx, truncate)
	if err != nil || s.Busy {
		return false
	}
	l.tried = 0
	return true
}

// Committed counts a commit, and reports whether it is time to tend the log.
func (l *Log) Committed(now time.Duration) bool {
	l.commits++
	l.last, l.empty = now, false
	return l.commits >= lookAfter
}

// Tend moves the log into the store when it is long, and empties it when nothing goes on or its file has become too
// large. It returns an error of the disk.
func (l *Log) Tend(ctx context.Context, now time.Duration) error {
	if err := l.shorten(ctx, now); err != nil {
		return err
	}
	l.note()
	return nil
}

func (l *Log) shorten(ctx context.Context, now time.Duration) error {
	idle := !l.empty && now-l.last >= idleAfter
	if l.commits == 0 && !idle {
		return nil
	}
	l.commits = 0
	if idle {
		s, err := l.checkpoint(ctx, truncate)
		l.empty, l.last, l.tried = err == nil && !s.Busy, now, 0
		return err
	}
	s, err := l.checkpoint(ctx, noop)
	if err != nil {
		return err
	}
	if s.Pages < l.tried { // it was begun anew
		l.tried = 0
	}
	if int64(s.Pages-l.tried)*l.conn.PageSize < store.LogBytes {
		return nil
	}
	return l.Move(ctx)
}

// Move moves into the store what nobody reads of the log, and gives the file's room back where that is much.
func (l *Log) Move(ctx context.Context) error {
	s, err := l.checkpoint(ctx, passive)
	if err != nil {
		return err
	}
	l.tried = s.Pages
	if s.Moved == s.Pages && l.fileSize() > keep {
		_, err = l.checkpoint(ctx, truncate)
	}
	return err
}

// fileSize is the size of the log's file, 0 if that cannot be found out.
func (l *Log) fileSize() int64 {
	info, err := os.Stat(l.path + store.LogSuffix)
	if err != nil {
		return 0
	}
	return info.Size()
}

// note keeps how long the log is, and logs once that it is too long.
func (l *Log) note() {
	bytes, by := l.fileSize(), ""
	if bytes > long {
		by = cmp.Or(holder(l.path), "a reader that is not found")
	}
	_, was := l.Size()
	l.mu.Lock()
	l.bytes, l.by = bytes, by
	l.mu.Unlock()
	switch {
	case by != "" && was == "":
		l.log.Warn("the store's log cannot be emptied and grows", "bytes", bytes, "held_up_by", by,
			"try", "end that program; a backup copies the store with sqlite3's .backup")
	case by == "" && was != "":
		l.log.Info("the store's log is short again", "bytes", bytes)
	}
}

// Size is how many bytes the log has, and who keeps it from being emptied where that are too many, else "". Some
// megabytes are usual. It is safe to call at any time.
func (l *Log) Size() (bytes int64, heldUpBy string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes, l.by
}
