package queue

import (
	"context"
	"fmt"
)

// Owners returns whose each metric name is.
func (q *Queue) Owners(_ context.Context) (map[string]string, error) {
	rows, err := q.db.QueryContext(q.reading, "SELECT name, device FROM owner")
	if err != nil {
		return nil, fmt.Errorf("reading the owners of names: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	owners := map[string]string{}
	for rows.Next() {
		var name, device string
		if err := rows.Scan(&name, &device); err != nil {
			return nil, fmt.Errorf("reading the owners of names: %w", err)
		}
		owners[name] = device
	}
	return owners, rows.Err()
}

// learn keeps what the entry tells of its device beside the samples.
func (w *writer) learn(ctx context.Context, e *Entry) error {
	for _, name := range e.Claims {
		if _, err := w.putOwner.ExecContext(ctx, name, e.Device); err != nil {
			return fmt.Errorf("keeping the owner of %q: %w", name, err)
		}
	}
	if e.Booted == 0 {
		return nil
	}
	return w.keepBoot(ctx, e)
}
