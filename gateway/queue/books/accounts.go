package books

import (
	"context"
	"fmt"

	"piway/gateway/queue/ledger"
	"piway/gateway/queue/seen"
	"piway/gateway/queue/store"
)

// Accounts returns the account of each device, by name, as they are on disk. from is a transaction, so that all are of
// one moment.
func Accounts(ctx context.Context, from store.Reader) ([]ledger.Account, error) {
	by := ledger.Accounts{}
	for _, read := range []func(context.Context, store.Reader, ledger.Accounts) error{readCounts, readWaiting, readLate} {
		if err := read(ctx, from, by); err != nil {
			return nil, fmt.Errorf("reading the ledger: %w", err)
		}
	}
	return by.Sorted(), nil
}

func readCounts(ctx context.Context, from store.Reader, by ledger.Accounts) error {
	var c ledger.Count
	var n int64
	rows, err := from.QueryContext(ctx, `SELECT device, outcome, reason, n FROM ledger
		UNION ALL SELECT device, ?, reason, SUM(n) FROM parked GROUP BY device, reason`, ledger.Parked)
	return store.Each(rows, err, func() error {
		by.Of(c.Device).Set(c.Outcome, c.Reason, n)
		return nil
	}, &c.Device, &c.Outcome, &c.Reason, &n)
}

// counted is how many reports are counted: that takes less than half a second.
const counted = 50_000

// readWaiting says what waits, which is what is in the table: counted there, where it is not too much.
func readWaiting(ctx context.Context, from store.Reader, by ledger.Accounts) error {
	var reports, fold int64
	if err := from.QueryRowContext(ctx, `SELECT COALESCE((SELECT MAX(id) FROM report) - (SELECT MIN(id) FROM report), 0), n
		FROM meta WHERE key='fold'`).Scan(&reports, &fold); err != nil {
		return err
	}
	if reports <= counted {
		return readReports(ctx, from, 0, fold, by)
	}
	if err := readReports(ctx, from, fold, fold, by); err != nil {
		return err
	}
	for _, a := range by {
		a.Book()
	}
	return nil
}

// readReports counts the reports behind an id as waiting. What is younger than the fold is not in the ledger yet as
// received and stored; nor are the local samples that came with it.
func readReports(ctx context.Context, from store.Reader, id, fold int64, by ledger.Accounts) error {
	var device string
	var waiting, unfolded, shifted, local int64
	rows, err := from.QueryContext(ctx, `SELECT device, SUM(n),
		SUM(CASE WHEN id > ?2 THEN n ELSE 0 END), SUM(CASE WHEN id > ?2 AND shift<>0 THEN n ELSE 0 END),
		SUM(CASE WHEN id > ?2 THEN local ELSE 0 END) FROM report WHERE id > ?1 GROUP BY device`, id, fold)
	return store.Each(rows, err, func() error {
		a := by.Of(device)
		a.Waiting = waiting
		a.Received += unfolded + local
		a.Local += local
		a.Stored += unfolded
		a.Shifted += shifted
		return nil
	}, &device, &waiting, &unfolded, &shifted, &local)
}

// readLate counts the gaps of the runs that are remembered, as of the last fold.
func readLate(ctx context.Context, from store.Reader, by ledger.Accounts) error {
	return seen.Late(ctx, from, func(device string, n int64) { by.Of(device).AddLate(n) })
}
