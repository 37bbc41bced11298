package queue

import (
	"context"

	"piway/gateway/queue/known"
)

// Forget frees all metric names of a device. Its samples stay.
func (q *Queue) Forget(ctx context.Context, device string) error {
	return q.do(ctx, func(ctx context.Context, w *writer) error { return known.Forget(ctx, w.conn, device) })
}

// Free frees one metric name of a device.
func (q *Queue) Free(ctx context.Context, device, name string) error {
	return q.do(ctx, func(ctx context.Context, w *writer) error { return known.Free(ctx, w.conn, device, name) })
}

// Rename hands on to the new name of a device what it claimed and what was seen of it; its samples stay in the old one.
// Done twice it does no harm. When it returns, all that was appended before is answered.
func (q *Queue) Rename(ctx context.Context, old, name string) error {
	return q.do(ctx, func(ctx context.Context, w *writer) error {
		w.wakes, w.folds = true, true
		w.books.Rename(old, name)
		return known.Rename(ctx, w.conn, old, name)
	})
}
