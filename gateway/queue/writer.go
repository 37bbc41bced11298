package queue

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"piway/gateway/queue/books"
	"piway/gateway/queue/dating"
	"piway/gateway/queue/held"
	"piway/gateway/queue/known"
	"piway/gateway/queue/ledger"
	"piway/gateway/queue/reports"
	"piway/gateway/queue/store"
	"piway/gateway/queue/wal"
)

// writer owns the one connection that writes, and the state that its transactions keep.
// Only the goroutine of Run uses it after Open.
type writer struct {
	cfg    *Config
	now    instant // of look
	conn   *store.Conn
	wal    *wal.Log
	inHand *held.Set

	books    *books.Books
	passes   passes
	dating   *dating.Dating
	bounds   bounds
	thinning thinning
	stale    bool // the state could not be read back after a failure

	// wakes says that those who wait in Next look again after this transaction: a pass was closed, changed, finished or
	// dropped. folds says that the books are written with it: rows leave, or something is counted that leaves no row.
	wakes, folds bool
	folded       time.Duration // monotonic, when they were last written
	picksStopped bool          // Next waits for the end of this transaction
}

// An instant is now, by the clocks that there are.
type instant struct {
	wall  time.Time
	right bool // what wall says is known to be right
	mono  time.Duration
}

// known is the wall clock's time, zero while that is not known to be right.
func (i instant) known() time.Time {
	if !i.right {
		return time.Time{}
	}
	return i.wall
}

// look reads the clocks. A transaction is judged by one reading: what is due when it begins is what it does, and what
// a report costs is no question to the kernel. What is known of the wall clock is read first, since it may become
// right in between.
func (w *writer) look() {
	right := w.cfg.ClockRight == nil || w.cfg.ClockRight()
	w.now = instant{w.cfg.Now(), right, w.cfg.SinceBoot()}
}

func newWriter(ctx context.Context, db *sql.DB, cfg *Config, inHand *held.Set) (*writer, error) {
	conn, err := store.NewConn(ctx, db)
	if err != nil {
		return nil, err
	}
	w := &writer{cfg: cfg, conn: conn, wal: wal.New(conn, cfg.Path, cfg.Log), inHand: inHand, bounds: newBounds()}
	w.look()
	if err := w.load(ctx); err != nil {
		_ = conn.Close() // the first error is the one to tell
		return nil, err
	}
	return w, nil
}

// load reads the state that the transactions keep, as it is on disk.
func (w *writer) load(ctx context.Context) (err error) {
	w.bounds.reset()
	dated := dating.Config{BootID: w.cfg.BootID, MaxAge: w.cfg.MaxAge, Date: w.cfg.Date}
	if w.dating, err = dating.Load(ctx, w.conn, dated); err != nil {
		return err
	}
	if err := w.loadPasses(ctx); err != nil {
		return err
	}
	w.books, err = books.Load(ctx, w.conn, w.now.mono)
	return err
}

// write puts ops into one transaction. After an error nothing of it is on disk, nor in the state.
func (w *writer) write(ctx context.Context, ops []op) error {
	defer w.resumePicks()
	w.wakes, w.folds, w.bounds.mayDrop = false, false, maxDropped
	if w.stale {
		if err := w.load(ctx); err != nil {
			return err
		}
		w.stale = false
	}
	closings := len(w.passes.recent)
	err := w.transact(ctx, ops)
	if err == nil {
		w.passes.forget()
		w.bounds.committed(w.now.mono, w.cfg.Log)
		return nil
	}
	_, _ = w.conn.ExecContext(ctx, "ROLLBACK") // there may be no transaction left
	w.passes.recent = w.passes.recent[:closings]
	if lerr := w.load(ctx); lerr != nil {
		w.stale = true
		return fmt.Errorf("%w (and reading the state back: %w)", err, lerr)
	}
	return err
}

func (w *writer) transact(ctx context.Context, ops []op) error {
	if _, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("beginning: %w", err)
	}
	if err := w.byTime(ctx); err != nil {
		return err
	}
	fold, err := w.apply(ctx, ops)
	if err != nil {
		return err
	}
	if err := w.putPasses(ctx); err != nil {
		return err
	}
	if fold || w.folds || w.books.Due() {
		if err := w.books.Fold(ctx, w.conn, w.now.known(), w.now.mono); err != nil {
			return err
		}
		w.folded = w.now.mono
	}
	if _, err := w.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// byTime does what is due though nothing has arrived.
func (w *writer) byTime(ctx context.Context) error {
	if err := w.closeDue(ctx); err != nil {
		return err
	}
	if err := w.redate(ctx); err != nil {
		return err
	}
	return w.dropOld(ctx)
}

// apply does each op. fold tells that the books must be written with them.
func (w *writer) apply(ctx context.Context, ops []op) (fold bool, err error) {
	for _, o := range ops {
		if o.tx != nil {
			if err := o.tx(ctx, w); err != nil {
				return false, err
			}
			continue
		}
		rare, err := w.store(ctx, o.entry)
		if err != nil {
			return false, err
		}
		fold = fold || rare
	}
	return fold, nil
}

// store books one entry. rare tells that it changed what only a fold writes.
func (w *writer) store(ctx context.Context, e *encoded) (rare bool, err error) {
	if err := w.learn(ctx, &e.Entry); err != nil {
		return false, err
	}
	if rare = e.Twin; rare {
		w.books.Book(e.Device, ledger.Twins, "", 1)
	}
	r := e.report()
	if w.books.Seen(&r) {
		n := e.n + e.LocalCount
		for _, m := range e.Refused {
			n += m
		}
		w.books.Book(e.Device, ledger.Received, "", n)
		w.books.Book(e.Device, ledger.Duplicate, "", n)
		return true, nil
	}
	for reason, n := range e.Refused {
		w.books.Book(e.Device, ledger.Received, "", n)
		w.books.Book(e.Device, ledger.Refused, reason, n)
		rare = true
	}
	if e.n == 0 { // nothing of it is stored: once is enough
		w.books.BookLocal(&r)
		w.books.See(&r, w.now.mono)
		return rare || e.LocalCount > 0, nil
	}
	if err := w.insertReport(ctx, e); err != nil {
		return false, err
	}
	w.books.Store(&r, w.now.mono)
	return rare, nil
}

// learn keeps what the entry tells of its device beside the samples.
func (w *writer) learn(ctx context.Context, e *Entry) error {
	for _, name := range e.Claims {
		if err := known.Own(ctx, w.conn, name, e.Device); err != nil {
			return err
		}
	}
	for i := range e.Uses {
		if err := known.Use(ctx, w.conn, e.Device, &e.Uses[i]); err != nil {
			return err
		}
	}
	if e.Booted == 0 {
		return nil
	}
	return known.Boot(ctx, w.conn, e.Device, e.Boot, e.Booted, w.books.Last)
}

func (w *writer) insertReport(ctx context.Context, e *encoded) error {
	bytes := int64(len(e.blob) + reports.Overhead)
	if err := w.makeRoom(ctx, bytes); err != nil {
		return err
	}
	id, host := w.books.Last+1, int64(0)
	start, err := w.passFor(ctx, e.newest)
	if err != nil {
		return err
	}
	if e.Unsure {
		if host, err = w.dating.Host(ctx, w.conn, w.books.Right()); err != nil {
			return err
		}
	}
	w.passes.put(start, id, e.newest, host > 0, w.now.mono)
	var how how // nobody needs it of what is dated well
	if host > 0 {
		how = e.how()
	}
	if _, err := w.conn.ExecContext(ctx, "INSERT INTO report VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", id, start,
		e.Device, e.Run, e.Seq, how.Sent, how.Boot, how.Uptime, how.Clock, e.Arrived.UnixNano(), how.sinceBoot, e.Shift,
		e.n, e.blob, how.SentUptime, host, e.LocalCount); err != nil {
		return fmt.Errorf("storing a report: %w", err)
	}
	w.books.Last = id
	w.bounds.shares.Add(e.Device, id, bytes)
	return nil
}
