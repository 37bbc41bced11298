package queue

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"piway/gateway/pass"
	"piway/gateway/queue/episode"
	"piway/gateway/queue/ledger"
	"piway/gateway/queue/ranges"
	"piway/gateway/queue/reports"
	"piway/gateway/queue/shares"
	"piway/gateway/queue/store"
)

// used is how many bytes are in use, the transaction's own changes included.
func (w *writer) used(ctx context.Context) (int64, error) {
	var pages, free int64
	if err := errors.Join(
		w.conn.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages),
		w.conn.QueryRowContext(ctx, "PRAGMA freelist_count").Scan(&free),
	); err != nil {
		return 0, fmt.Errorf("counting pages: %w", err)
	}
	return (pages - free) * w.conn.PageSize, nil
}

// makeRoom sees to it that a report of n bytes fits, by dropping others.
func (w *writer) makeRoom(ctx context.Context, n int64) error {
	b := &w.bounds
	b.mayDrop += n
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
		if used, err = w.dropUntil(ctx, used, limit-min(limit/32, 1<<20)-n); err != nil {
			return fmt.Errorf("making room: %w", err)
		}
	}
	b.budget = max(limit-used-n, 0) / 2 // leaves the other half to inner pages and the small tables
	return nil
}

// leastDrop is what is dropped at once, at least; a 128th of a small queue.
const leastDrop = 256 << 10

// dropUntil drops until no more than target is in use, there is nothing more to drop, or it is enough for one
// transaction. A page is free when most reports on it are gone, so it takes some turns.
func (w *writer) dropUntil(ctx context.Context, used, target int64) (int64, error) {
	for used > target && w.bounds.mayDrop > 0 {
		want := max(used-target, min(leastDrop, w.cfg.limit()/128))
		some, err := w.dropNext(ctx, min(want, w.bounds.mayDrop))
		if err != nil || !some {
			return used, err
		}
		if used, err = w.used(ctx); err != nil {
			return used, err
		}
	}
	return used, nil
}

// dropNext drops about so many bytes of those who have the most; where all that waits is in passes that are begun, the
// oldest of these, with those in hand behind all others. It returns false if there is nothing.
func (w *writer) dropNext(ctx context.Context, want int64) (bool, error) {
	dropped, err := w.dropShares(ctx, want)
	if err != nil || dropped > 0 {
		return dropped > 0, err
	}
	p, err := w.oldestClosed(ctx)
	if err != nil || p == nil {
		return false, err
	}
	return true, w.dropPass(ctx, p, &w.bounds.full)
}

// dropShares drops single reports of passes that are not begun: none of their datums has a number yet.
func (w *writer) dropShares(ctx context.Context, want int64) (dropped int64, err error) {
	w.stopPicks()
	b := &w.bounds
	if b.shares.Stale() {
		if b.shares, err = shares.Count(ctx, w.conn); err != nil {
			return 0, err
		}
	}
	begun, err := w.begun(ctx)
	if err != nil {
		return 0, err
	}
	changed, ids := map[int64]bool{}, []int64(nil)
	dropped, err = b.shares.Drop(want, begun.Has, func(device string, id int64) (int64, error) {
		var start, size int64
		var n int
		row := w.conn.QueryRowContext(ctx,
			"DELETE FROM report WHERE id=? AND device=? RETURNING pass, n, length(samples)", id, device)
		switch err := row.Scan(&start, &n, &size); {
		case errors.Is(err, sql.ErrNoRows):
			return 0, nil
		case err != nil:
			return 0, err
		}
		w.dropped(device, n, size+reports.Overhead, &b.full)
		changed[start], ids = true, append(ids, id)
		return size + reports.Overhead, nil
	})
	for start := range changed {
		err = cmp.Or(err, w.shrink(ctx, start))
	}
	return dropped, cmp.Or(err, w.pack(ctx, ids))
}

const (
	// packed is how many reports are written anew for one that is dropped, at most.
	packed = 4
	// aPage is about as many small reports as fit on a page.
	aPage = 32
	// awayFrom is how far ids are moved while others are packed.
	awayFrom int64 = 1 << 62
)

// pack writes those reports anew that are left between dropped ones: SQLite frees a page only when two thirds of it are
// empty, and new reports go to the end of the table.
func (w *writer) pack(ctx context.Context, dropped []int64) error {
	slices.Sort(dropped)
	for len(dropped) > 0 {
		n := 1
		for n < len(dropped) && dropped[n]-dropped[0] < packed*int64(n)+aPage {
			n++
		}
		if first, last := dropped[0], dropped[n-1]; n > 1 && last-first < packed*int64(n) {
			if _, err := w.conn.ExecContext(ctx, "UPDATE report SET id=id-?3 WHERE id BETWEEN ?1 AND ?2",
				first, last, awayFrom); err != nil {
				return fmt.Errorf("packing: %w", err)
			}
			if _, err := w.conn.ExecContext(ctx, "UPDATE report SET id=id+? WHERE id<0", awayFrom); err != nil {
				return fmt.Errorf("packing: %w", err)
			}
		}
		dropped = dropped[n:]
	}
	return nil
}

// dropped books what was dropped of a device.
func (w *writer) dropped(device string, samples int, bytes int64, e *episode.Episode) {
	w.books.Book(device, ledger.Dropped, e.Reason, samples)
	e.Drop(samples)
	w.bounds.mayDrop -= bytes
	w.wakes, w.folds = true, true // so that no deleted report is still to be counted
}

// begun returns the ids between which the reports of begun passes lie.
func (w *writer) begun(ctx context.Context) (begun ranges.Ranges, err error) {
	var start int64
	var sent bool
	var ids ranges.Range
	rows, err := w.conn.QueryContext(ctx,
		"SELECT start, next>0 OR closed=2, first, last FROM pass WHERE closed>0 ORDER BY first")
	err = store.Each(rows, err, func() error {
		if !sent && !w.inHand.Has(start) {
			return nil
		}
		if last := len(begun) - 1; last >= 0 && ids.Lo <= begun[last].Hi+1 {
			begun[last].Hi = max(begun[last].Hi, ids.Hi)
		} else {
			begun = append(begun, ids)
		}
		return nil
	}, &start, &sent, &ids.Lo, &ids.Hi)
	return begun, err
}

// shrink makes a pass fit what is left of its reports; one without any is gone.
func (w *writer) shrink(ctx context.Context, start int64) error {
	var first, last sql.NullInt64
	p, o := pass.Pass{Start: start}, w.passes.open[start]
	if o != nil {
		p.First, p.Last = o.first, o.last
	} else if err := w.conn.QueryRowContext(ctx, "SELECT first, last FROM pass WHERE start=?", start).
		Scan(&p.First, &p.Last); errors.Is(err, sql.ErrNoRows) {
		return nil // a report without a pass
	} else if err != nil {
		return fmt.Errorf("reading pass %d: %w", start, err)
	}
	if err := w.conn.QueryRowContext(ctx, `SELECT
		(SELECT id FROM report WHERE id BETWEEN ?1 AND ?2 AND pass=?3 ORDER BY id LIMIT 1),
		(SELECT id FROM report WHERE id BETWEEN ?1 AND ?2 AND pass=?3 ORDER BY id DESC LIMIT 1)`,
		p.First, p.Last, start).Scan(&first, &last); err != nil {
		return fmt.Errorf("reading pass %d: %w", start, err)
	}
	switch {
	case !first.Valid:
		delete(w.passes.open, start)
		_, err := w.removePass(ctx, start)
		return err
	case o != nil:
		o.first, o.last, o.dirty = first.Int64, last.Int64, true
		return nil
	}
	_, err := w.conn.ExecContext(ctx, "UPDATE pass SET first=?, last=? WHERE start=?", first, last, start)
	return err
}

// oldestClosed returns the closed pass with the oldest samples that is not in hand; else the oldest in hand; nil for
// none. Those that are not dated yet count as the newest.
func (w *writer) oldestClosed(ctx context.Context) (oldest *pass.Pass, err error) {
	var p pass.Pass
	rows, err := w.conn.QueryContext(ctx,
		"SELECT start, first, last FROM pass WHERE closed>0 ORDER BY undated, newest, start")
	err = store.Each(rows, err, func() error {
		free := !w.inHand.Has(p.Start)
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
func (w *writer) dropPass(ctx context.Context, p *pass.Pass, e *episode.Episode) error {
	if err := w.leave(ctx, *p, func(device string, samples int, bytes int64) {
		w.dropped(device, samples, bytes, e)
	}); err != nil {
		return err
	}
	_, err := w.removePass(ctx, p.Start)
	return err
}

// leave takes the reports of a pass off the disk, and calls f with what there was of each device, unless it is nil.
func (w *writer) leave(ctx context.Context, p pass.Pass, f func(device string, samples int, bytes int64)) error {
	if f == nil && w.bounds.shares == nil {
		return reports.Delete(ctx, w.conn, p) // nobody needs to know
	}
	var device string
	var samples int
	var n, bytes int64
	rows, err := w.conn.QueryContext(ctx, `SELECT device, SUM(n), COUNT(*), SUM(length(samples)) FROM report
		WHERE id BETWEEN ? AND ? AND pass=? GROUP BY device`, p.First, p.Last, p.Start)
	if err := store.Each(rows, err, func() error {
		bytes += n * reports.Overhead
		w.bounds.shares.Left(device, n, bytes)
		if f != nil {
			f(device, samples, bytes)
		}
		return nil
	}, &device, &samples, &n, &bytes); err != nil {
		return err
	}
	return reports.Delete(ctx, w.conn, p)
}
