package queue

import (
	"context"
	"database/sql"
	"fmt"

	"piway/gateway/queue/books"
	"piway/gateway/queue/known"
	"piway/gateway/queue/ledger"
	"piway/shared/sample"
)

// Ledger returns the account of each device, by name, from one consistent state of the disk. Waiting is counted from
// the reports that are there, and so is an independent check of the other figures, unless they are very many (Booked).
// One at a time is read: it may take long, and there are few connections.
func (q *Queue) Ledger(ctx context.Context) (_ []ledger.Account, err error) {
	select {
	case q.ledgers <- struct{}{}:
		defer func() { <-q.ledgers }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { q.notice(err) }()
	tx, err := q.db.BeginTx(q.reading, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // read only
	return books.Accounts(q.reading, tx)
}

// Owners returns whose each metric name is.
func (q *Queue) Owners(_ context.Context) (map[string]string, error) {
	return known.Owners(q.reading, q.db)
}

// Metrics calls f with each metric of a device that is kept: its name, unit, a value, and in Time when that arrived.
func (q *Queue) Metrics(_ context.Context, f func(device string, last sample.Sample)) error {
	return known.Metrics(q.reading, q.db, f)
}

// Boots calls f with each boot of a device of which it is known when it began (Unix seconds), those told last at the
// end.
func (q *Queue) Boots(_ context.Context, f func(device, id string, began float64)) error {
	return known.Boots(q.reading, q.db, f)
}

// Trouble says why nothing is stored, "" if all is well. It is safe to call at any time.
func (q *Queue) Trouble() string { return q.disk.Trouble() }

// LogSize is how many bytes the store's log has, and who keeps it from being emptied where that are too many, else "".
// Some megabytes are usual. It is safe to call at any time.
func (q *Queue) LogSize() (bytes int64, heldUpBy string) { return q.w.wal.Size() }
