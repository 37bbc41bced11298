package queue

import (
	"context"
	"fmt"

	"piway/gateway/pass"
	"piway/gateway/queue/reports"
	"piway/shared/sample"
)

// Each calls f with each report of the pass, in order of arrival; the samples' times are the corrected ones.
// The samples are f's to keep. It ends at the first error, f's own included.
func (q *Queue) Each(ctx context.Context, p pass.Pass, f func(device string, samples []sample.Sample) error) error {
	return each(ctx, q, p, (*reports.Row).Samples, f)
}

// EachThinned is Each for a pass with Thinned set.
func (q *Queue) EachThinned(ctx context.Context, p pass.Pass, f func(device string, all []pass.Summary) error) error {
	return each(ctx, q, p, (*reports.Row).Summaries, f)
}

func each[T any](
	ctx context.Context, q *Queue, p pass.Pass, read func(*reports.Row) ([]T, error), f func(string, []T) error,
) error {
	var own error
	err := reports.Each(q.reading, q.db, p, func(r *reports.Row) error {
		if own = ctx.Err(); own != nil {
			return own
		}
		all, err := read(r)
		if err != nil {
			return err
		}
		own = f(r.Device, all)
		return own
	})
	if err == nil || own != nil {
		return err
	}
	err = fmt.Errorf("reading pass %d: %w", p.Start, err)
	q.notice(err)
	return err
}
