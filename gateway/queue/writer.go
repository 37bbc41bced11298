package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"piway/gateway/queue/ledger"
)

// writer owns the one connection that writes, and the state that its transactions keep.
// Only the goroutine of Run uses it after Open.
type writer struct {
	cfg  *Config
	now  instant // of look
	conn *sql.Conn

	begin, commit, rollback          *sql.Stmt
	insert, putPass, putOwner        *sql.Stmt
	putLedger, putSeen, putMeta      *sql.Stmt
	closePass, beginPass, movePass   *sql.Stmt
	deleteReports, deletePass, prune *sql.Stmt
	putParked, deleteParked          *sql.Stmt
	putBoot, pruneBoots              *sql.Stmt
	lastPass, passThere              *sql.Stmt
	putHost, getHost                 *sql.Stmt
	undated, undatedRows             *sql.Stmt
	redateReport, datePass           *sql.Stmt

	prepared []*sql.Stmt // all of them

	lastID   int64 // of the newest report ever stored
	folded   int64 // ledger and seen on disk include the reports up to this id
	passes   passes
	ledger   ledger.Ledger
	seen     seen
	bounds   bounds
	thinning thinning
	dating   dating
	log      logState
	stale    bool // the state could not be read back after a failure

	// foldAndTell says that this transaction is folded, and that those who wait in Next are told of it: a pass was
	// closed, changed, finished or dropped, or something is counted that leaves no row.
	foldAndTell bool
}

// An instant is now, by the clocks that there are.
type instant struct {
	wall  time.Time
	right bool // what wall says is known to be right
	mono  time.Duration
}

// look reads the clocks. A transaction is judged by one reading: what is due when it begins is what it does, and what
// a report costs is no question to the kernel. What is known of the wall clock is read first, since it may become
// right in between.
func (w *writer) look() {
	right := w.cfg.ClockRight == nil || w.cfg.ClockRight()
	w.now = instant{w.cfg.Now(), right, w.cfg.SinceBoot()}
}

func newWriter(ctx context.Context, db *sql.DB, cfg *Config) (*writer, error) {
	conn, err := db.Conn(context.WithoutCancel(ctx)) // a statement that is cut short costs its connection
	if err != nil {
		return nil, err
	}
	w := &writer{cfg: cfg, conn: conn, bounds: newBounds()}
	w.look()
	if err := w.prepare(ctx); err != nil {
		_ = w.close() // the first error is the one to tell
		return nil, err
	}
	if err := w.load(ctx); err != nil {
		_ = w.close() // the first error is the one to tell
		return nil, err
	}
	return w, nil
}

// close closes the statements too: SQLite keeps the file open for each.
func (w *writer) close() (err error) {
	for _, stmt := range w.prepared {
		err = errors.Join(err, stmt.Close())
	}
	return errors.Join(err, w.conn.Close())
}

// count books a stored report of n samples in the state in memory.
func (w *writer) count(e *Entry, n int) {
	w.book(e.Device, ledger.Received, "", n)
	w.book(e.Device, ledger.Stored, "", n)
	if e.Shift != 0 {
		w.book(e.Device, ledger.Shifted, "", n)
	}
	if recognisable(e) {
		w.see(e)
	}
	w.dating.noteRight(e)
}

// book adds samples to the ledger in memory.
func (w *writer) book(device, outcome, reason string, n int) {
	w.ledger.Add(ledger.Count{Device: device, Outcome: outcome, Reason: reason}, int64(n))
}

// see remembers an entry, to recognise it when it comes again.
func (w *writer) see(e *Entry) {
	at := e.Arrived.Unix()
	if e.Unsure {
		at = 0
	}
	w.seen.add(e.Device, e.Run, e.Seq, at, w.now.mono)
}

// write puts a batch into one transaction. After an error nothing of it is on disk, nor in the state.
func (w *writer) write(ctx context.Context, batch []op) error {
	w.foldAndTell = false
	if w.stale {
		if err := w.load(ctx); err != nil {
			return err
		}
		w.stale = false
	}
	closings := len(w.passes.recent)
	err := w.transact(ctx, batch)
	if err == nil {
		w.passes.forget()
		w.bounds.full.committed(w.now.mono, w.cfg.Log)
		w.bounds.old.committed(w.now.mono, w.cfg.Log)
		return nil
	}
	_, _ = w.rollback.ExecContext(ctx) // there may be no transaction left
	w.passes.recent = w.passes.recent[:closings]
	if lerr := w.load(ctx); lerr != nil {
		w.stale = true
		return fmt.Errorf("%w (and reading the state back: %w)", err, lerr)
	}
	return err
}

func (w *writer) transact(ctx context.Context, batch []op) error {
	if _, err := w.begin.ExecContext(ctx); err != nil {
		return fmt.Errorf("beginning: %w", err)
	}
	if err := w.byTime(ctx); err != nil {
		return err
	}
	fold, err := w.apply(ctx, batch)
	if err != nil {
		return err
	}
	if err := w.putPasses(ctx); err != nil {
		return err
	}
	if fold || w.foldAndTell || w.lastID-w.folded >= foldEvery {
		if err := w.fold(ctx); err != nil {
			return err
		}
	}
	if _, err := w.commit.ExecContext(ctx); err != nil {
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

// apply does each op. fold tells that ledger and seen must be written with them.
func (w *writer) apply(ctx context.Context, batch []op) (fold bool, err error) {
	for _, o := range batch {
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
	if recognisable(&e.Entry) && w.seen.has(e.Device, e.Run, e.Seq) {
		n := e.n
		for _, m := range e.Refused {
			n += m
		}
		w.book(e.Device, ledger.Received, "", n)
		w.book(e.Device, ledger.Duplicate, "", n)
		return true, nil
	}
	for reason, n := range e.Refused {
		w.book(e.Device, ledger.Received, "", n)
		w.book(e.Device, ledger.Refused, reason, n)
		rare = true
	}
	if e.n == 0 {
		if recognisable(&e.Entry) { // refused whole: once is enough
			w.see(&e.Entry)
		}
		return rare, nil
	}
	return rare, w.insertReport(ctx, e)
}

func (w *writer) insertReport(ctx context.Context, e *encoded) error {
	if err := w.makeRoom(ctx, int64(len(e.blob)+rowOverhead)); err != nil {
		return err
	}
	id, from := w.lastID+1, int64(0)
	pass, err := w.passFor(ctx, e.newest)
	if err != nil {
		return err
	}
	undated := e.Unsure && w.cfg.BootID != "" // without that nothing can be dated later
	if undated {
		if from, err = w.hostID(ctx); err != nil {
			return err
		}
		w.dating.undated = true
	}
	w.passes.put(pass, id, e.newest, undated, w.now.mono)
	if _, err := w.insert.ExecContext(ctx, id, pass, e.Device, e.Run, e.Seq, e.Sent, e.Boot, e.Uptime, e.Clock,
		e.Arrived.UnixNano(), int64(e.SinceBoot), e.Shift, e.n, e.blob, e.SentUptime, from); err != nil {
		return fmt.Errorf("storing a report: %w", err)
	}
	w.lastID = id
	w.count(&e.Entry, e.n)
	return nil
}
