package queue

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"piway/gateway/queue/episode"
	"piway/gateway/queue/replace"
	"piway/gateway/queue/reports"
	"piway/gateway/queue/shares"
	"piway/gateway/queue/store"

	"piway/gateway/pass"
)

// Reasons for Dropped.
const (
	ReasonFull = "queue full"
	ReasonAge  = "older than max_age"
	// ReasonDamaged is of samples that a damaged store had and that could not be read any more.
	ReasonDamaged = replace.ReasonDamaged
)

// minBytes is the least that MaxBytes means: the tables need some of it.
const minBytes = 272 << 10

// limit is what the pages in use may hold.
func (c *Config) limit() int64 { return max(c.MaxBytes, minBytes) }

// backstop is where SQLite itself refuses. It lies so far above the limit that the ledger and the positions always fit.
func (c *Config) backstop() int64 { return c.limit() + c.limit()/10 + 4<<20 }

// Bounds of the work of one transaction; what is left over is done in the next.
const (
	maxDropped = 16 << 20 // bytes, and as many more as are stored
	maxOld     = 16       // passes
)

// ageEvery is how often the age of passes is looked at.
const ageEvery = time.Minute

// bounds keep the queue within Config.MaxBytes and Config.MaxAge.
type bounds struct {
	budget  int64         // bytes that may be stored before pages are counted again
	mayDrop int64         // bytes of reports that this transaction may drop yet
	nextAge time.Duration // monotonic, when ages are looked at again

	shares *shares.Shares // counted when something is to be dropped, and kept until the episode is over

	full, old episode.Episode
}

func newBounds() bounds {
	return bounds{
		full: episode.Episode{Reason: ReasonFull, Fix: "a larger queue.max_bytes, or queue.thin_after; " +
			"and look why AWS takes too little"},
		old: episode.Episode{Reason: ReasonAge, Fix: "a larger queue.max_age, up to the 14 days that CloudWatch takes; " +
			"and look why AWS takes too little"},
	}
}

// reset forgets what was dropped in a transaction that failed.
func (b *bounds) reset() {
	b.budget, b.shares = 0, nil
	b.full.RolledBack()
	b.old.RolledBack()
}

// committed makes the transaction's drops count.
func (b *bounds) committed(now time.Duration, log *slog.Logger) {
	b.full.Committed(now, log)
	b.old.Committed(now, log)
}

// endEpisodes ends those that are over.
func (b *bounds) endEpisodes(now time.Duration, log *slog.Logger) {
	b.full.Look(now, log)
	b.old.Look(now, log)
	if !b.full.On() {
		b.shares = nil
	}
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
		if !w.inHand.Has(p.Start) {
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
