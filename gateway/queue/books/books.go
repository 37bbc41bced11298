// Package books keeps what is known of reports beside their rows: the ledger, and which were seen.
//
// Its promise: both are functions of the report table plus what has left it. So a commit is rows and nothing else, and
// still every figure survives a kill: the books live in memory and are folded to disk now and then; `meta.fold` is the
// last row that is folded in. Load replays the rows behind it; a reader of the accounts adds them. Before rows are
// deleted, and with what leaves no row (a refusal, a duplicate), they are folded in the same transaction. `waiting` is
// counted from the rows themselves, which makes it an independent check of the rest:
//
//	received = refused + duplicate + local + stored   stored = waiting + sent + expired + dropped
package books

import (
	"context"
	"fmt"
	"time"

	"piway/gateway/queue/ledger"
	"piway/gateway/queue/seen"
	"piway/gateway/queue/store"
)

// Books are those of one store. One goroutine uses them.
type Books struct {
	// Last is the id of the newest report ever stored.
	Last   int64
	folded int64 // what is on disk includes the reports up to this id
	ledger ledger.Ledger
	seen   *seen.Seen

	right     int64 // the newest time of arrival by a clock that was right, Unix nanoseconds
	rightKept int64 // of it on disk
}

// A Report is what the books say of one.
type Report struct {
	Device, Run string
	Seq         int64
	Arrived     time.Time
	Unsure      bool // Arrived is that of a clock that was not known to be right
	Shifted     bool
	Samples     int
	Local       int // samples beside them that stay on the LAN
}

// recognisable reports whether a redelivery can be told from a new one.
func (r *Report) recognisable() bool { return r.Run != "" && r.Seq > 0 }

// Load reads the books as they are on disk, and replays the reports that were committed after the last fold.
func Load(ctx context.Context, from store.Reader, mono time.Duration) (_ *Books, err error) {
	b := &Books{ledger: ledger.New()}
	if err := from.QueryRowContext(ctx, "SELECT n FROM meta WHERE key='fold'").Scan(&b.folded); err != nil {
		return nil, fmt.Errorf("reading meta fold: %w", err)
	}
	if err := from.QueryRowContext(ctx, "SELECT n FROM meta WHERE key='right'").Scan(&b.right); err != nil {
		return nil, fmt.Errorf("reading meta right: %w", err)
	}
	b.Last, b.rightKept = b.folded, b.right
	if err := b.loadLedger(ctx, from); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	if b.seen, err = seen.Load(ctx, from); err != nil {
		return nil, err
	}
	if err := eachAfter(ctx, from, b.folded, func(id int64, r *Report) {
		b.Last = id
		b.Store(r, mono)
	}); err != nil {
		return nil, fmt.Errorf("replaying reports: %w", err)
	}
	return b, nil
}

func (b *Books) loadLedger(ctx context.Context, from store.Reader) error {
	var c ledger.Count
	var n int64
	rows, err := from.QueryContext(ctx, "SELECT device, outcome, reason, n FROM ledger")
	return store.Each(rows, err, func() error { b.ledger.Load(c, n); return nil }, &c.Device, &c.Outcome, &c.Reason, &n)
}

// eachAfter calls f with the reports behind an id.
func eachAfter(ctx context.Context, from store.Reader, id int64, f func(id int64, r *Report)) error {
	var r Report
	var arrived int64
	rows, err := from.QueryContext(ctx,
		"SELECT id, device, run, seq, arrived, shift<>0, n, host<>0, local FROM report WHERE id>? ORDER BY id", id)
	return store.Each(rows, err, func() error {
		r.Arrived = time.Unix(0, arrived)
		f(id, &r)
		return nil
	}, &id, &r.Device, &r.Run, &r.Seq, &arrived, &r.Shifted, &r.Samples, &r.Unsure, &r.Local)
}

// Store books a report that was stored. mono is the monotonic clock.
func (b *Books) Store(r *Report, mono time.Duration) {
	b.BookLocal(r)
	b.Book(r.Device, ledger.Received, "", r.Samples)
	b.Book(r.Device, ledger.Stored, "", r.Samples)
	if r.Shifted {
		b.Book(r.Device, ledger.Shifted, "", r.Samples)
	}
	b.See(r, mono)
	if !r.Unsure {
		b.right = max(b.right, r.Arrived.UnixNano())
	}
}

// BookLocal books what of a report stays on the LAN. Store does it too; where nothing of a report is stored, fold in the
// same transaction.
func (b *Books) BookLocal(r *Report) {
	b.Book(r.Device, ledger.Received, "", r.Local)
	b.Book(r.Device, ledger.Local, "", r.Local)
}

// Book books n samples more in the ledger.
func (b *Books) Book(device, outcome, reason string, n int) {
	b.BookCount(ledger.Count{Device: device, Outcome: outcome, Reason: reason}, n)
}

// BookCount is Book.
func (b *Books) BookCount(c ledger.Count, n int) { b.ledger.Add(c, int64(n)) }

// BookRefusedByCloud books samples that the cloud could not write, as far as they can have been sent.
func (b *Books) BookRefusedByCloud(device, reason string, n int) {
	b.ledger.AddRefusedByCloud(device, reason, int64(n))
}

// See remembers a report, to recognise it when it comes again, as far as that can be.
func (b *Books) See(r *Report, mono time.Duration) {
	if !r.recognisable() {
		return
	}
	at := r.Arrived.Unix()
	if r.Unsure {
		at = 0
	}
	b.missing(r.Device, b.seen.Add(r.Device, r.Run, r.Seq, at, mono))
}

// missing books reports that never come.
func (b *Books) missing(device string, n int64) {
	b.ledger.Add(ledger.Count{Device: device, Outcome: ledger.Missing}, n)
}

// Rename takes what was seen of a device for that of another name. Fold in the same transaction: the rows keep the old
// name.
func (b *Books) Rename(old, name string) { b.seen.Rename(old, name) }

// Seen reports whether the report is one that comes again.
func (b *Books) Seen(r *Report) bool { return r.recognisable() && b.seen.Has(r.Device, r.Run, r.Seq) }

// Right is the newest time of arrival, in Unix nanoseconds, by a clock that was known to be right.
func (b *Books) Right() int64 { return b.right }

// foldEvery is how many reports may be in the table but not yet folded: it spares each commit that work, and bounds
// what Load has to replay.
const foldEvery = 16384

// Due reports whether the books are to be folded whatever is committed.
func (b *Books) Due() bool { return b.Last-b.folded >= foldEvery }

// Fold writes what changed since the last time. now is zero while no clock is known to be right.
func (b *Books) Fold(ctx context.Context, conn *store.Conn, now time.Time, mono time.Duration) error {
	if err := b.seen.Flush(ctx, conn, now, mono, b.missing); err != nil {
		return fmt.Errorf("writing what was seen: %w", err)
	}
	if err := b.ledger.Flush(func(c ledger.Count, n int64) error {
		_, err := conn.ExecContext(ctx, "INSERT OR REPLACE INTO ledger VALUES (?,?,?,?)", c.Device, c.Outcome, c.Reason, n)
		return err
	}); err != nil {
		return fmt.Errorf("writing the ledger: %w", err)
	}
	if err := putMeta(ctx, conn, "fold", b.Last); err != nil {
		return err
	}
	if b.right != b.rightKept {
		if err := putMeta(ctx, conn, "right", b.right); err != nil {
			return err
		}
	}
	b.rightKept, b.folded = b.right, b.Last
	return nil
}

// Touch writes what is there already, so that a transaction has something to commit.
func (b *Books) Touch(ctx context.Context, conn *store.Conn) error {
	return putMeta(ctx, conn, "fold", b.folded)
}

func putMeta(ctx context.Context, conn *store.Conn, key string, n int64) error {
	if _, err := conn.ExecContext(ctx, "INSERT OR REPLACE INTO meta VALUES (?,?)", key, n); err != nil {
		return fmt.Errorf("writing the fold: %w", err)
	}
	return nil
}
