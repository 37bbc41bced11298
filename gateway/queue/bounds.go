package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"piway/gateway/queue/replace"
	"piway/gateway/queue/reports"
	"piway/gateway/queue/store"

	"piway/gateway/pass"
	"piway/gateway/queue/ledger"
)

// Reasons for Dropped.
const (
	ReasonFull = "queue full"
	ReasonAge  = "older than max_age"
	// ReasonDamaged is of samples that a damaged store had and that could not be read any more.
	ReasonDamaged = replace.ReasonDamaged
)

// minBytes is the least that MaxBytes means: the tables need some of it.
const minBytes = 68 * store.PageSize

// limit is what the pages in use may hold.
func (c *Config) limit() int64 { return max(c.MaxBytes, minBytes) }

// backstop is where SQLite itself refuses. It lies so far above the limit that the ledger and the positions always fit.
func (c *Config) backstop() int64 { return c.limit() + c.limit()/10 + 4<<20 }

// Bounds of the work of one transaction; what is left over is done in the next.
const (
	maxFreed = 16 << 20 // bytes
	maxOld   = 16       // passes
)

// ageEvery is how often the age of passes is looked at.
const ageEvery = time.Minute

// rowOverhead is what a report takes beside its samples.
const rowOverhead = 256

// bounds keep the queue within Config.MaxBytes and Config.MaxAge.
type bounds struct {
	budget  int64         // bytes that may be stored before pages are counted again
	nextAge time.Duration // monotonic, when ages are looked at again

	full, old episode
}

func newBounds() bounds {
	return bounds{
		full: episode{reason: ReasonFull, fix: "a larger queue.max_bytes, or queue.thin_after; " +
			"and find out why AWS takes too little"},
		old: episode{reason: ReasonAge, fix: "a larger queue.max_age, up to the 14 days that CloudWatch takes; " +
			"and find out why AWS takes too little"},
	}
}

// reset forgets what was dropped in a transaction that failed.
func (b *bounds) reset() { b.budget, b.full.dropping, b.old.dropping = 0, 0, 0 }

// committed makes the transaction's drops count.
func (b *bounds) committed(now time.Duration, log *slog.Logger) {
	b.full.committed(now, log)
	b.old.committed(now, log)
}

// endEpisodes ends those that are over.
func (b *bounds) endEpisodes(now time.Duration, log *slog.Logger) {
	b.full.look(now, log)
	b.old.look(now, log)
}

// used is how many bytes are in use, the transaction's own changes included.
func (w *writer) used(ctx context.Context) (int64, error) {
	var pages, free int64
	if err := errors.Join(
		w.conn.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages),
		w.conn.QueryRowContext(ctx, "PRAGMA freelist_count").Scan(&free),
	); err != nil {
		return 0, fmt.Errorf("counting pages: %w", err)
	}
	return (pages - free) * store.PageSize, nil
}

// makeRoom sees to it that a report of n bytes fits, by dropping the oldest.
func (w *writer) makeRoom(ctx context.Context, n int64) error {
	b := &w.bounds
	if b.budget >= n {
		b.budget -= n
		return nil
	}
	used, err := w.used(ctx)
	if err != nil {
		return err
	}
	limit := w.cfg.limit()
	if used+n > limit {
		if used, err = w.dropOldest(ctx, used, limit-min(limit/32, 1<<20)-n); err != nil {
			return fmt.Errorf("making room: %w", err)
		}
	}
	b.budget = max(limit-used-n, 0) / 2 // leaves the other half to inner pages and the small tables
	return nil
}

// dropOldest drops until no more than target is in use, there is nothing more to drop, or it is enough for one
// transaction.
func (w *writer) dropOldest(ctx context.Context, used, target int64) (int64, error) {
	for begun := used; used > target && begun-used < maxFreed; {
		some, err := w.dropNext(ctx)
		if err != nil || !some {
			return used, err
		}
		if used, err = w.used(ctx); err != nil {
			return used, err
		}
	}
	return used, nil
}

// dropNext drops the oldest closed pass, with those in hand behind all others: a part of such a one may have been sent.
// Of the oldest open pass it drops the first reports. It returns false if there is nothing.
func (w *writer) dropNext(ctx context.Context) (bool, error) {
	p, err := w.oldestClosed(ctx)
	if err != nil {
		return false, err
	}
	if p != nil {
		return true, w.dropPass(ctx, p, &w.bounds.full)
	}
	return w.dropOpen(ctx)
}

// oldestClosed returns the closed pass with the oldest samples that is not in hand; else the oldest in hand; nil for
// none. Those that are not dated yet count as the newest.
func (w *writer) oldestClosed(ctx context.Context) (oldest *pass.Pass, err error) {
	var p pass.Pass
	rows, err := w.conn.QueryContext(ctx,
		"SELECT start, first, last FROM pass WHERE closed>0 ORDER BY undated, newest, start")
	err = store.Each(rows, err, func() error {
		free := !w.inHand.has(p.Start)
		if one := p; free || oldest == nil {
			oldest = &one
		}
		if free {
			return store.ErrEnough
		}
		return nil
	}, &p.Start, &p.First, &p.Last)
	return oldest, err
}

// dropPass drops a closed pass.
func (w *writer) dropPass(ctx context.Context, p *pass.Pass, e *episode) error {
	if err := w.dropReports(ctx, p, e); err != nil {
		return err
	}
	_, err := w.removePass(ctx, p.Start)
	return err
}

// dropOpen drops the first eighth of the oldest open pass. Nothing of it was sent, so it need not go whole.
func (w *writer) dropOpen(ctx context.Context) (bool, error) {
	p := pass.Pass{Start: -1}
	for start := range w.passes.open {
		if p.Start < 0 || start < p.Start {
			p.Start = start
		}
	}
	o := w.passes.open[p.Start]
	if o == nil {
		return false, nil
	}
	p.First, p.Last = o.first, o.first+(o.last-o.first)/8
	if err := w.dropReports(ctx, &p, &w.bounds.full); err != nil {
		return false, err
	}
	if p.Last < o.last {
		o.first, o.dirty = p.Last+1, true
		return true, nil
	}
	delete(w.passes.open, p.Start)
	_, err := w.removePass(ctx, p.Start)
	return true, err
}

// dropReports takes reports of a pass off the disk and books their samples.
func (w *writer) dropReports(ctx context.Context, p *pass.Pass, e *episode) error {
	var device string
	var n int
	rows, err := w.conn.QueryContext(ctx,
		"SELECT device, SUM(n) FROM report WHERE id BETWEEN ? AND ? AND pass=? GROUP BY device", p.First, p.Last, p.Start)
	if err := store.Each(rows, err, func() error {
		w.books.Book(device, ledger.Dropped, e.reason, n)
		e.dropping += int64(n)
		return nil
	}, &device, &n); err != nil {
		return err
	}
	w.foldAndWake = true // so that no deleted report is still to be counted
	return reports.Delete(ctx, w.conn, *p)
}

// ageDue reports whether it is time to look at ages.
func (w *writer) ageDue() bool { return w.cfg.MaxAge > 0 && w.now.mono >= w.bounds.nextAge }

// dropOld drops closed passes of which the newest sample is older than MaxAge, while the clock is right. A few in one
// transaction. How old it is, the samples themselves are asked before anything is dropped.
func (w *writer) dropOld(ctx context.Context) error {
	if !w.ageDue() {
		return nil
	}
	w.bounds.nextAge = w.now.mono + ageEvery
	if !w.now.right {
		return nil
	}
	before := w.now.wall.Add(-w.cfg.MaxAge - w.cfg.Window).Unix()
	old, err := w.olderThan(ctx, before)
	if err != nil {
		return fmt.Errorf("looking for old passes: %w", err)
	}
	for _, p := range old {
		newest, err := w.newestIn(ctx, &p)
		if err != nil {
			return fmt.Errorf("looking at old pass %d: %w", p.Start, err)
		}
		if newest >= before {
			_, err = w.conn.ExecContext(ctx, "UPDATE pass SET newest=? WHERE start=?", newest, p.Start)
		} else {
			err = w.dropPass(ctx, &p, &w.bounds.old)
		}
		if err != nil {
			return fmt.Errorf("dropping pass %d: %w", p.Start, err)
		}
	}
	if len(old) == maxOld {
		w.bounds.nextAge = w.now.mono // there may be more
	}
	return nil
}

// olderThan returns closed passes, not in hand, of which the newest sample seems to be older than the given time.
func (w *writer) olderThan(ctx context.Context, before int64) (old []pass.Pass, err error) {
	var p pass.Pass
	rows, err := w.conn.QueryContext(ctx,
		"SELECT start, first, last FROM pass WHERE closed>0 AND newest<? AND undated=0 ORDER BY newest, start", before)
	err = store.Each(rows, err, func() error {
		if len(old) == maxOld {
			return store.ErrEnough
		}
		if !w.inHand.has(p.Start) {
			old = append(old, p)
		}
		return nil
	}, &p.Start, &p.First, &p.Last)
	return old, err
}

// newestIn returns the time of a pass's newest sample.
func (w *writer) newestIn(ctx context.Context, p *pass.Pass) (newest int64, err error) {
	err = reports.Each(ctx, w.conn, *p, func(r *reports.Row) error {
		all, err := r.Summaries()
		for i := range all {
			newest = max(newest, int64(all[i].LastTime))
		}
		return err
	})
	return newest, err
}
