package queue

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"

	"piway/gateway/queue/store"

	"piway/gateway/queue/salvage"
)

// ReasonDamaged is why samples are Dropped that a damaged store had and that could not be read any more.
const ReasonDamaged = "damaged store"

// rebuilt is what became of a damaged store.
type rebuilt struct {
	*salvage.Result
	lost      int64 // samples that are Dropped
	uncounted int64 // reports that are lost and were not in the ledger yet
}

// rebuild builds a new store at path of what can be read of the one that cfg names. Its ledger balances: what the old
// one stored and nobody can find any more is Dropped.
func rebuild(ctx context.Context, cfg *Config, path string) (r rebuilt, err error) {
	fresh := cfg.withDefaults()
	fresh.Path = path
	options := fresh.store()
	options.Bulk = true
	db, err := store.Open(ctx, options)
	if err != nil {
		return r, err
	}
	defer func() { err = cmp.Or(err, db.Close()) }()
	old := store.OpenDamaged(ctx, cfg.Path)
	if old != nil {
		defer func() { _ = old.Close() }() // it was only read
	}
	if r.Result, err = salvage.Copy(ctx, old, db, maxRows(cfg.Path)); err != nil {
		return r, err
	}
	if err := r.balance(ctx, db, &fresh); err != nil {
		return r, fmt.Errorf("balancing the ledger: %w", err)
	}
	return r, nil
}

// maxRows is more than a table of the store can have: a row takes four bytes at least.
func maxRows(path string) int64 {
	rows := int64(1)
	for _, suffix := range []string{"", store.LogSuffix} {
		if info, err := os.Stat(path + suffix); err == nil {
			rows += info.Size() / 4
		}
	}
	return rows
}

// balance makes the ledger and what was seen fit the reports that are there.
func (r *rebuilt) balance(ctx context.Context, db *sql.DB, cfg *Config) error {
	w, err := newWriter(ctx, db, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }() // all is committed
	if !r.Whole["seen"] || !r.Whole["meta"] {
		if err := w.seeAll(ctx); err != nil {
			return err
		}
	}
	waiting, err := w.waiting(ctx)
	if err != nil {
		return err
	}
	r.lost = w.ledger.Mend(waiting, ReasonDamaged)
	for _, ids := range r.Gone { // ids are dense above the fold
		r.uncounted += max(0, ids.Hi-max(ids.Lo-1, w.folded))
	}
	w.lastID = max(w.lastID, r.High)
	if _, err := w.begin.ExecContext(ctx); err != nil {
		return err
	}
	if err := w.fold(ctx); err != nil {
		return err
	}
	_, err = w.commit.ExecContext(ctx)
	return err
}

// seeAll notes each report that is there as seen.
func (w *writer) seeAll(ctx context.Context) error {
	rows, err := w.conn.QueryContext(ctx, "SELECT device, run, seq, arrived, host<>0 FROM report")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var e Entry
		var arrived int64
		if err := rows.Scan(&e.Device, &e.Run, &e.Seq, &arrived, &e.Unsure); err != nil {
			return err
		}
		if e.Arrived = time.Unix(0, arrived); recognisable(&e) {
			w.see(&e)
		}
	}
	return rows.Err()
}

// waiting returns the samples that are there by device.
func (w *writer) waiting(ctx context.Context) (map[string]int64, error) {
	rows, err := w.conn.QueryContext(ctx, "SELECT device, SUM(n) FROM report GROUP BY device")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	by := map[string]int64{}
	for rows.Next() {
		var device string
		var n int64
		if err := rows.Scan(&device, &n); err != nil {
			return nil, err
		}
		by[device] = n
	}
	return by, rows.Err()
}
