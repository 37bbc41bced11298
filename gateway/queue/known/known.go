// Package known keeps what a device said once and is asked for after every start: the metric names that are its own,
// the metrics that it sends, and when its boots began.
//
// Its promise: a name belongs to the device that was the first to use it, until that gives it up; of a device's boots
// those told last are kept. What a device gives up or hands on may be told twice.
package known

import (
	"context"
	"fmt"

	"piway/gateway/queue/store"
)

// Own keeps that a metric name is a device's, unless it is another's.
func Own(ctx context.Context, conn *store.Conn, name, device string) error {
	if _, err := conn.ExecContext(ctx, "INSERT OR IGNORE INTO owner VALUES (?,?)", name, device); err != nil {
		return fmt.Errorf("keeping the owner of %q: %w", name, err)
	}
	return nil
}

// Owners returns whose each metric name is.
func Owners(ctx context.Context, from store.Reader) (map[string]string, error) {
	owners := map[string]string{}
	var name, device string
	rows, err := from.QueryContext(ctx, "SELECT name, device FROM owner")
	if err = store.Each(rows, err, func() error { owners[name] = device; return nil }, &name, &device); err != nil {
		return nil, fmt.Errorf("reading the owners of names: %w", err)
	}
	return owners, nil
}

// maxBoots of a device are kept.
const maxBoots = 16

// Boot keeps when a device's boot began, in Unix seconds, as the report after that of the given id told it.
func Boot(ctx context.Context, conn *store.Conn, device, boot string, began float64, after int64) error {
	if _, err := conn.ExecContext(ctx, "INSERT OR REPLACE INTO boot VALUES (?,?,?,?)",
		device, boot, began, after); err != nil {
		return fmt.Errorf("keeping when a boot of %s began: %w", device, err)
	}
	if _, err := conn.ExecContext(ctx, `DELETE FROM boot WHERE device=?1
		AND id NOT IN (SELECT id FROM boot WHERE device=?1 ORDER BY told DESC LIMIT ?2)`, device, maxBoots); err != nil {
		return fmt.Errorf("forgetting old boots of %s: %w", device, err)
	}
	return nil
}

// Boots calls f with each boot that is kept, those told last at the end.
func Boots(ctx context.Context, from store.Reader, f func(device, boot string, began float64)) error {
	var device, boot string
	var began float64
	rows, err := from.QueryContext(ctx, "SELECT device, id, began FROM boot ORDER BY told")
	if err = store.Each(rows, err, func() error {
		f(device, boot, began)
		return nil
	}, &device, &boot, &began); err != nil {
		return fmt.Errorf("reading boots: %w", err)
	}
	return nil
}
