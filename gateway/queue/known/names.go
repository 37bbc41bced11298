package known

import (
	"context"
	"fmt"

	"piway/gateway/queue/store"
	"piway/shared/sample"
)

// Use keeps that a device sends a metric, with a value, and in Time when that arrived.
func Use(ctx context.Context, conn *store.Conn, device string, last *sample.Sample) error {
	if _, err := conn.ExecContext(ctx, "INSERT OR REPLACE INTO metric VALUES (?,?,?,?,?)",
		device, last.Name, last.Unit, last.Value, last.Time); err != nil {
		return fmt.Errorf("keeping the use of %q: %w", last.Name, err)
	}
	return nil
}

// Metrics calls f with each metric as it was kept.
func Metrics(ctx context.Context, from store.Reader, f func(device string, last sample.Sample)) error {
	var device string
	var s sample.Sample
	rows, err := from.QueryContext(ctx, "SELECT device, name, unit, value, seen FROM metric")
	if err = store.Each(rows, err, func() error {
		f(device, s)
		return nil
	}, &device, &s.Name, &s.Unit, &s.Value, &s.Time); err != nil {
		return fmt.Errorf("reading the metrics: %w", err)
	}
	return nil
}

// Forget frees all metric names of a device.
func Forget(ctx context.Context, conn *store.Conn, device string) error {
	for _, text := range []string{"DELETE FROM owner WHERE device=?", "DELETE FROM metric WHERE device=?"} {
		if _, err := conn.ExecContext(ctx, text, device); err != nil {
			return fmt.Errorf("freeing the names of %s: %w", device, err)
		}
	}
	return nil
}

// Free frees one metric name of a device.
func Free(ctx context.Context, conn *store.Conn, device, name string) error {
	for _, text := range []string{
		"DELETE FROM owner WHERE device=? AND name=?",
		"DELETE FROM metric WHERE device=? AND name=?",
	} {
		if _, err := conn.ExecContext(ctx, text, device, name); err != nil {
			return fmt.Errorf("freeing %q of %s: %w", name, device, err)
		}
	}
	return nil
}

// Rename hands the metric names that a device claimed on to the name that it has now. The others have the old one in
// them, and are over.
func Rename(ctx context.Context, conn *store.Conn, old, name string) error {
	for _, do := range []struct {
		text string
		args []any
	}{
		{"DELETE FROM metric WHERE device=?1 AND name NOT IN (SELECT name FROM owner WHERE device=?1)", []any{old}},
		{"UPDATE OR REPLACE metric SET device=? WHERE device=?", []any{name, old}},
		{"UPDATE owner SET device=? WHERE device=?", []any{name, old}},
	} {
		if _, err := conn.ExecContext(ctx, do.text, do.args...); err != nil {
			return fmt.Errorf("handing the names of %s on to %s: %w", old, name, err)
		}
	}
	return nil
}
