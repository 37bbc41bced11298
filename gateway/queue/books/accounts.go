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

// readWaiting adds what is in the table: all of it waits, and what is younger than the fold is not yet counted as
// received and stored; nor are the local samples that came with it.
func readWaiting(ctx context.Context, from store.Reader, by ledger.Accounts) error {
	var device string
	var waiting, unfolded, shifted, local int64
	rows, err := from.QueryContext(ctx, `SELECT device, SUM(n),
		SUM(CASE WHEN id > fold THEN n ELSE 0 END), SUM(CASE WHEN id > fold AND shift<>0 THEN n ELSE 0 END),
		SUM(CASE WHEN id > fold THEN local ELSE 0 END)
		FROM report, (SELECT n AS fold FROM meta WHERE key='fold') GROUP BY device`)
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
