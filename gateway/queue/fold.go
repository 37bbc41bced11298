package queue

import (
	"context"
	"fmt"
	"time"

	"piway/gateway/queue/ledger"
)

// load reads the state that the transactions keep, as it is on disk.
func (w *writer) load(ctx context.Context) error {
	w.ledger, w.seen = ledger.New(), newSeen()
	w.bounds.budget, w.bounds.full.dropping, w.bounds.old.dropping = 0, 0, 0
	if err := w.loadMeta(ctx); err != nil {
		return err
	}
	if err := w.loadDating(ctx); err != nil {
		return err
	}
	if err := w.loadPasses(ctx); err != nil {
		return err
	}
	if err := w.loadLedger(ctx); err != nil {
		return err
	}
	if err := w.loadSeen(ctx); err != nil {
		return err
	}
	return w.replay(ctx)
}

func (w *writer) loadMeta(ctx context.Context) error {
	if err := w.conn.QueryRowContext(ctx, "SELECT n FROM meta WHERE key='fold'").Scan(&w.folded); err != nil {
		return fmt.Errorf("reading meta fold: %w", err)
	}
	w.lastID = w.folded
	return nil
}

// replay folds the reports that were committed after the last fold into the state in memory.
func (w *writer) replay(ctx context.Context) error {
	rows, err := w.conn.QueryContext(ctx,
		"SELECT id, device, run, seq, arrived, shift, n, host<>0 FROM report WHERE id>? ORDER BY id", w.folded)
	if err != nil {
		return fmt.Errorf("replaying reports: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var e Entry
		var arrived int64
		var n int
		if err := rows.Scan(&w.lastID, &e.Device, &e.Run, &e.Seq, &arrived, &e.Shift, &n, &e.Unsure); err != nil {
			return fmt.Errorf("replaying reports: %w", err)
		}
		e.Arrived = time.Unix(0, arrived)
		w.count(&e, n)
	}
	return rows.Err()
}

// foldEvery is how many reports may be in the table but not yet folded into ledger and seen:
// it spares each commit that work, and bounds what Open has to replay.
const foldEvery = 4096

// fold writes what changed in ledger and seen since the last time.
func (w *writer) fold(ctx context.Context) error {
	if err := w.seen.flush(w.now, func(k runKey, r *runSeen) error {
		_, err := w.putSeen.ExecContext(ctx, k.device, k.run, r.seqs.String(), r.last)
		return err
	}, func(k runKey, r *runSeen) error {
		// Nobody holds a report of this run any more: what is missing of it never comes.
		w.ledger.Add(ledger.Count{Device: k.device, Outcome: ledger.Missing}, r.seqs.Gaps())
		_, err := w.prune.ExecContext(ctx, k.device, k.run)
		return err
	}); err != nil {
		return fmt.Errorf("writing what was seen: %w", err)
	}
	if err := w.ledger.Flush(func(c ledger.Count, n int64) error {
		_, err := w.putLedger.ExecContext(ctx, c.Device, c.Outcome, c.Reason, n)
		return err
	}); err != nil {
		return fmt.Errorf("writing the ledger: %w", err)
	}
	if _, err := w.putMeta.ExecContext(ctx, "fold", w.lastID); err != nil {
		return fmt.Errorf("writing the fold: %w", err)
	}
	if d := &w.dating; d.right != d.kept {
		if _, err := w.putMeta.ExecContext(ctx, "right", d.right); err != nil {
			return fmt.Errorf("writing the fold: %w", err)
		}
		d.kept = d.right
	}
	w.folded = w.lastID
	return nil
}
