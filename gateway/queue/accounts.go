package queue

import (
	"context"
	"database/sql"
	"fmt"

	"piway/gateway/queue/store"

	"piway/gateway/queue/ledger"
	"piway/gateway/queue/ranges"
)

func (w *writer) loadLedger(ctx context.Context) error {
	rows, err := w.conn.QueryContext(ctx, "SELECT device, outcome, reason, n FROM ledger")
	if err != nil {
		return fmt.Errorf("reading the ledger: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var c ledger.Count
		var n int64
		if err := rows.Scan(&c.Device, &c.Outcome, &c.Reason, &n); err != nil {
			return fmt.Errorf("reading the ledger: %w", err)
		}
		w.ledger.Load(c, n)
	}
	return rows.Err()
}

// Ledger returns the account of each device, by name, from one consistent state of the disk. Waiting is counted from
// the reports that are there, and so is an independent check of the other figures.
// One at a time is read: it may take long, and there are few connections.
func (q *Queue) Ledger(ctx context.Context) (_ []ledger.Account, err error) {
	select {
	case q.ledgers <- struct{}{}:
		defer func() { <-q.ledgers }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { q.notice(err) }()
	ctx = q.reading
	tx, err := q.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // read only
	by := ledger.Accounts{}
	if err := readCounts(ctx, tx, by); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	if err := readWaiting(ctx, tx, by); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	if err := readLate(ctx, tx, by); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	return by.Sorted(), nil
}

func readCounts(ctx context.Context, tx *sql.Tx, by ledger.Accounts) error {
	rows, err := tx.QueryContext(ctx, `SELECT device, outcome, reason, n FROM ledger
		UNION ALL SELECT device, ?, reason, SUM(n) FROM parked GROUP BY device, reason`, ledger.Parked)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var c ledger.Count
		var n int64
		if err := rows.Scan(&c.Device, &c.Outcome, &c.Reason, &n); err != nil {
			return err
		}
		by.Of(c.Device).Set(c.Outcome, c.Reason, n)
	}
	return rows.Err()
}

// readWaiting adds what is in the table: all of it waits, and what is younger than the fold is not yet counted as
// received and stored.
func readWaiting(ctx context.Context, tx *sql.Tx, by ledger.Accounts) error {
	rows, err := tx.QueryContext(ctx, `SELECT device, SUM(n),
		SUM(CASE WHEN id > fold THEN n ELSE 0 END), SUM(CASE WHEN id > fold AND shift<>0 THEN n ELSE 0 END)
		FROM report, (SELECT n AS fold FROM meta WHERE key='fold') GROUP BY device`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var device string
		var waiting, unfolded, shifted int64
		if err := rows.Scan(&device, &waiting, &unfolded, &shifted); err != nil {
			return err
		}
		a := by.Of(device)
		a.Waiting = waiting
		a.Received += unfolded
		a.Stored += unfolded
		a.Shifted += shifted
	}
	return rows.Err()
}

// readLate counts the gaps of the runs that are remembered, as of the last fold.
func readLate(ctx context.Context, tx *sql.Tx, by ledger.Accounts) error {
	rows, err := tx.QueryContext(ctx, "SELECT device, ranges FROM seen WHERE ranges NOT GLOB '1-[0-9]*' OR ranges LIKE '%,%'")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var device, text string
		if err := rows.Scan(&device, &text); err != nil {
			return err
		}
		s, err := ranges.Parse(text)
		if err != nil {
			return fmt.Errorf("%w: %w", store.ErrDamaged, err)
		}
		by.Of(device).AddLate(s.Gaps())
	}
	return rows.Err()
}
