package queue

import (
	"context"
	"fmt"
)

// maxBoots of a device are kept, those told last.
const maxBoots = 16

// keepBoot keeps when an entry's boot began.
func (w *writer) keepBoot(ctx context.Context, e *Entry) error {
	if _, err := w.putBoot.ExecContext(ctx, e.Device, e.Boot, e.Booted, w.lastID); err != nil {
		return fmt.Errorf("keeping when a boot of %s began: %w", e.Device, err)
	}
	if _, err := w.pruneBoots.ExecContext(ctx, e.Device, maxBoots); err != nil {
		return fmt.Errorf("forgetting old boots of %s: %w", e.Device, err)
	}
	return nil
}

// Boots calls f with each boot of a device of which it is known when it began (Unix seconds), those told last at the
// end.
func (q *Queue) Boots(_ context.Context, f func(device, id string, began float64)) error {
	rows, err := q.db.QueryContext(q.reading, "SELECT device, id, began FROM boot ORDER BY told")
	if err != nil {
		return fmt.Errorf("reading boots: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var device, id string
		var began float64
		if err := rows.Scan(&device, &id, &began); err != nil {
			return fmt.Errorf("reading boots: %w", err)
		}
		f(device, id, began)
	}
	return rows.Err()
}
