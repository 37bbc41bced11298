package queue

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"piway/gateway/queue/store"
)

// The write-ahead log. SQLite appends each commit to it and syncs it; a checkpoint moves what is in it to the store's
// file. SQLite does that by itself too, but then keeps errors to itself: the log would grow without bound, and nobody
// would know. So it is asked to, here, and what it answers counts.
const (
	// logLook is after how many commits the log's length is looked at, beside each tick.
	logLook = 16
	// logIdle is how long nothing must have been committed for the log to be emptied.
	logIdle = time.Minute
	// logLong is a log that somebody holds up: 16 times what it should be.
	logLong = 16 * store.LogPages * store.PageSize
	// logKeep is what the log's file may keep of its length once all of it is moved.
	logKeep = 2 * store.LogPages * store.PageSize
)

// A checkpoint is what SQLite answers to one.
type checkpoint struct {
	busy         bool
	pages, moved int // in the log, and of them in the store's file too
}

// Modes of a checkpoint. noop only looks; passive moves what nobody reads; truncate waits for readers and leaves an
// empty log.
const (
	noop     = "NOOP"
	passive  = "PASSIVE"
	truncate = "TRUNCATE"
)

// checkpoint reads what is durable of the log and writes it to the store's file, and syncs that; a power cut inside it
// changes nothing. The store's files change their sizes by it, and by nothing else but commits.
func (w *writer) checkpoint(ctx context.Context, mode string) (c checkpoint, err error) {
	if mode != noop {
		w.log.checkpoints++
	}
	if mode == truncate { // which waits for readers, and the senders with it
		restore, err := w.hurry(ctx)
		if err != nil {
			return c, err
		}
		defer restore()
	}
	err = w.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&c.busy, &c.pages, &c.moved)
	if err != nil {
		return c, fmt.Errorf("moving the log into the store: %w", err)
	}
	return c, nil
}

// hurry has the connection wait less for others, until restore is called.
func (w *writer) hurry(ctx context.Context) (restore func(), err error) {
	if _, err := w.conn.ExecContext(ctx, "PRAGMA busy_timeout=50"); err != nil {
		return nil, err
	}
	return func() {
		_, _ = w.conn.ExecContext(ctx, store.BusyTimeout) // only sets a number
	}, nil
}

// logState is what the writer knows of its log.
type logState struct {
	commits     int           // since it was last looked at
	last        time.Duration // monotonic, of the last commit
	tried       int           // pages in it when it was last moved, as far as that went
	checkpoints int           // so far
	empty       bool          // nothing was committed since it was emptied
}

// committed counts a commit, and reports whether it is time to look.
func (l *logState) committed(now time.Duration) bool {
	l.commits++
	l.last, l.empty = now, false
	return l.commits >= logLook
}

// tend moves the log into the store when it is long, and empties it when nothing goes on or its file has become too
// large. It returns an error of the disk.
func (w *writer) tend(ctx context.Context) error {
	l := &w.log
	idle := !l.empty && w.now.mono-l.last >= logIdle
	if l.commits == 0 && !idle {
		return nil
	}
	l.commits = 0
	if idle {
		c, err := w.checkpoint(ctx, truncate)
		l.empty, l.last, l.tried = err == nil && !c.busy, w.now.mono, 0
		return err
	}
	c, err := w.checkpoint(ctx, noop)
	if err != nil {
		return err
	}
	if c.pages < l.tried { // it was begun anew
		l.tried = 0
	}
	if c.pages-l.tried < store.LogPages {
		return nil
	}
	return w.moveLog(ctx)
}

// moveLog moves what it can of the log into the store.
func (w *writer) moveLog(ctx context.Context) error {
	c, err := w.checkpoint(ctx, passive)
	if err != nil {
		return err
	}
	w.log.tried = c.pages
	if c.moved == c.pages && w.logBytes() > logKeep {
		_, err = w.checkpoint(ctx, truncate)
	}
	return err
}

// logBytes is the size of the log's file, 0 if that cannot be found out.
func (w *writer) logBytes() int64 {
	info, err := os.Stat(w.cfg.Path + store.LogSuffix)
	if err != nil {
		return 0
	}
	return info.Size()
}

// logSize is what is told of the log.
type logSize struct {
	bytes int64
	by    string // who holds it up, where it is long
}

// tellLog notes how long the log is, and tells once that it is too long.
func (q *Queue) tellLog() {
	bytes, by := q.w.logBytes(), ""
	if bytes > logLong {
		by = cmp.Or(holder(q.cfg.Path), "a reader that is not found")
	}
	q.mu.Lock()
	was := q.log
	q.log = logSize{bytes, by}
	q.mu.Unlock()
	switch {
	case by != "" && was.by == "":
		q.cfg.Log.Warn("the store's log cannot be emptied and grows", "bytes", bytes, "held_up_by", by,
			"try", "end that program; a backup copies the store with sqlite3's .backup")
	case by == "" && was.by != "":
		q.cfg.Log.Info("the store's log is short again", "bytes", bytes)
	}
}

// LogSize is how many bytes the store's log has, and who keeps it from being emptied where that are too many, else "".
// Some megabytes are usual. It is safe to call at any time.
func (q *Queue) LogSize() (bytes int64, heldUpBy string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.log.bytes, q.log.by
}
