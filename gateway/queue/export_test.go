package queue

import (
	"context"

	"piway/gateway/queue/shares"
)

// Shares returns what each device's reports take, as it was kept and as it is counted now; kept is nil if nothing had
// to be dropped lately.
func (q *Queue) Shares(ctx context.Context) (kept, counted map[string]int64, err error) {
	err = q.do(ctx, func(ctx context.Context, w *writer) error {
		now, err := shares.Count(ctx, w.conn)
		if err == nil && w.bounds.shares != nil {
			kept, counted = w.bounds.shares.Bytes(), now.Bytes()
		}
		return err
	})
	return kept, counted, err
}
