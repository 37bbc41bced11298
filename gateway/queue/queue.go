package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"piway/gateway/queue/disk"
	"piway/gateway/queue/held"
	"piway/gateway/queue/inbox"
	"piway/gateway/queue/replace"
	"piway/gateway/queue/store"

	"piway/shared/files"
	"piway/shared/sample"
)

// Config says where the queue is and how it gathers.
type Config struct {
	// Path of the database file. Its folder exists.
	Path string
	// Window is the length of a pass, Grace how long after its end it stays open.
	Window, Grace time.Duration
	// CommitInterval is the least time between two commits; 0 commits as soon as something is there.
	CommitInterval time.Duration
	// Linger is how long an agent's report may wait for others, so that one commit serves them all; 0 commits as soon as
	// something is there. See wait.
	Linger time.Duration
	// MaxBytes bounds what the database file holds; the write-ahead log comes on top. What would not fit any more
	// pushes the oldest out, which is counted as Dropped.
	MaxBytes int64
	// MaxAge is when a closed pass is dropped, counted from its window's end; 0 for never. ClockRight reports whether
	// Now is to be believed, and nothing is dropped by age while it is not; nil means always.
	MaxAge     time.Duration
	ClockRight func() bool
	// ThinAfter is when a closed pass is aggregated to coarser windows, see thin.go; 0 for never.
	ThinAfter time.Duration
	// Ballast is the size of a file beside the store that is given up when the disk is full, so that sending can make
	// room; 0 for none.
	Ballast int64
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// SinceBoot is how long this machine has been running, also while it slept; nobody can set it, so all durations
	// are told by it. BootID names that run: by both what arrives while the clock is not right is dated when it is.
	// Nil means the time since Open.
	SinceBoot func() time.Duration
	BootID    string
	// Date returns what to add to the times of a report's samples, now that it is known when it arrived; nil leaves that
	// as it is.
	Date func(r *sample.Report, arrived time.Time) (shift float64)
	// Files is where the store is, nil for this machine's; VFS the same for SQLite, by its name. Both are for tests.
	Files files.FS
	VFS   string
	// Log must be set.
	Log *slog.Logger
}

// withDefaults fills in what may be nil.
func (c Config) withDefaults() Config {
	start := time.Now()
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.SinceBoot == nil {
		c.SinceBoot = func() time.Duration { return time.Since(start) }
	}
	if c.Files == nil {
		c.Files = files.System
	}
	return c
}

// store says where the store is.
func (c *Config) store() store.Options {
	return store.Options{Path: c.Path, MaxBytes: c.backstop(), Files: c.Files, VFS: c.VFS}
}

// ballast is what is given up on a full disk.
func (c *Config) ballast() store.Ballast {
	return store.Ballast{Path: filepath.Join(filepath.Dir(c.Path), "ballast"), Size: c.Ballast}
}

// ErrClosed is given to done for what came after the end of Run.
var ErrClosed = errors.New("queue is closed")

// A Queue is an open store. Its methods are safe for concurrent use.
type Queue struct {
	cfg Config
	db  *sql.DB // readers; the writer has a connection of its own
	w   *writer
	in  *inbox.Box[op]

	start time.Time
	hurry chan struct{} // holds one from Hurry until what waits is committed
	beat  atomic.Int64  // when the writer's loop last went round, since start
	disk  *disk.Disk
	sick  chan error // why the store has to be opened anew

	reading     context.Context // of all that reads: a query that is cut short costs its connection, see pinned
	stopReading context.CancelFunc
	ledgers     chan struct{} // holds one while the ledger is read

	lastClosed int64 // when it was opened
	inHand     held.Set

	mu       sync.Mutex    // guards what follows
	changed  chan struct{} // closed and replaced when a pass closes or finishes
	closings []closing     // as the writer has them
}

// Open opens or creates the store, replays what was committed after the last fold, and starts nothing. A store that is
// damaged is set aside, with what can be read of it in a new one. It returns store.ErrDisk for what may pass.
func Open(ctx context.Context, cfg Config) (*Queue, error) {
	q := &Queue{
		cfg: cfg.withDefaults(), start: time.Now(), changed: make(chan struct{}), hurry: make(chan struct{}, 1),
		in:   inbox.New(func(o op) { o.done(ErrClosed) }),
		sick: make(chan error, 1), ledgers: make(chan struct{}, 1),
	}
	q.reading, q.stopReading = context.WithCancel(context.WithoutCancel(ctx))
	q.beats() // Run may begin a moment later
	options := &replace.Options{Store: q.cfg.store(), Ballast: q.cfg.ballast(), Log: cfg.Log}
	if err := replace.Open(ctx, options, func(whole bool) error { return q.tryOpen(ctx, whole) }); err != nil {
		q.stopReading()
		return nil, fmt.Errorf("opening queue %s: %w", cfg.Path, err)
	}
	q.disk = disk.New(&disk.Config{
		Store: q.cfg.store(), Ballast: q.cfg.ballast(), Mono: q.cfg.SinceBoot,
		Prove: q.prove, End: q.fail, Beat: q.beats, Log: cfg.Log,
	}, q.w.conn, q.w.wal)
	q.lastClosed = q.w.passes.last
	return q, nil
}

// tryOpen opens the store as it is, reading all of it before if whole is true.
func (q *Queue) tryOpen(ctx context.Context, whole bool) error {
	options := q.cfg.store()
	db, err := store.Open(ctx, &options)
	if err != nil {
		return err
	}
	if whole {
		err = store.Check(ctx, db)
	}
	if err == nil {
		q.w, err = newWriter(ctx, db, &q.cfg, &q.inHand)
	}
	if err != nil {
		_ = db.Close() // the first error is the one to tell
		return err
	}
	q.db = db
	return nil
}

func (q *Queue) mono() time.Duration { return q.cfg.SinceBoot() }

// An op is one thing to be done in the next transaction.
type op struct {
	entry   *encoded
	tx      func(context.Context, *writer) error
	patient time.Duration // how long tx may wait for company
	done    func(error)
}

// Append hands an entry to the writer and returns; it blocks while too much is waiting. done is called once, in the
// order of the Appends, after Linger and a commit at the latest: with nil when the entry is on disk or recognised as a redelivery of what is, and counted;
// with an error when nothing of it may be relied on. done must not block: the next commit waits for it.
func (q *Queue) Append(e Entry, done func(error)) {
	enc, err := encode(e)
	if err != nil {
		done(err)
		return
	}
	q.in.Put(op{entry: enc, done: done}, nil)
}

// do runs tx inside the next transaction and returns when that is on disk. What waits goes along.
func (q *Queue) do(ctx context.Context, tx func(context.Context, *writer) error) error {
	return q.doWithin(ctx, 0, tx)
}

// doWithin is do that may wait so long for others, or until Hurry.
func (q *Queue) doWithin(ctx context.Context, patient time.Duration, tx func(context.Context, *writer) error) error {
	res := make(chan error, 1)
	if !q.in.Put(op{tx: tx, patient: patient, done: func(err error) { res <- err }}, ctx.Done()) {
		return ctx.Err()
	}
	select {
	case err := <-res:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run commits what is appended until ctx ends, then commits the rest and closes the store. A failed commit is told to
// those who wait for it; after store.ErrDamaged and store.ErrDisk the queue is to be opened anew, which repairs what
// can be.
func (q *Queue) Run(ctx context.Context) error {
	checking, stop := context.WithCancel(ctx)
	defer stop()
	var checks sync.WaitGroup
	checks.Go(func() { q.checkLater(checking) })
	err := q.loop(ctx)
	q.in.Close()
	q.broadcast()
	stop()
	q.stopReading()
	checks.Wait()
	replace.Suspect(q.cfg.Path, err)
	return errors.Join(err, q.w.conn.Close(), q.db.Close())
}

// checkAfter is how long after the start all of the store is read: then what waited for the gateway is served.
const checkAfter = 10 * time.Second

// checkLater reads all of a large store beside the work, since that would take seconds at the start.
func (q *Queue) checkLater(ctx context.Context) {
	t := time.NewTimer(checkAfter)
	defer t.Stop()
	select {
	case <-t.C:
		q.notice(store.Check(ctx, q.db))
	case <-ctx.Done():
	}
}

// Beat is how long ago the writer last went round: it does so several times a second, unless a commit takes longer.
// It is told by the clock that stands still while the machine sleeps, since then nothing can go round.
func (q *Queue) Beat() time.Duration { return time.Since(q.start) - time.Duration(q.beat.Load()) }

func (q *Queue) beats() { q.beat.Store(int64(time.Since(q.start))) }

// broadcast wakes everyone who waits in Next.
func (q *Queue) broadcast() {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.changed)
	q.changed = make(chan struct{})
}

func (q *Queue) changes() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.changed
}
