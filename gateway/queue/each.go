package queue

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"piway/gateway/queue/store"

	"piway/gateway/pass"
	"piway/shared/sample"
)

// Each calls f with each report of the pass, in order of arrival; the samples' times are the corrected ones.
// The samples are f's to keep. It ends at the first error, f's own included.
func (q *Queue) Each(ctx context.Context, p pass.Pass, f func(device string, samples []sample.Sample) error) error {
	var own error
	err := q.each(ctx, p, func(device string, samples []sample.Sample) error {
		own = f(device, samples)
		return own
	})
	if own == nil {
		q.notice(err)
	}
	return err
}

func (q *Queue) each(ctx context.Context, p pass.Pass, f func(device string, samples []sample.Sample) error) error {
	rows, err := q.db.QueryContext(q.reading, reportRows, p.First, p.Last, p.Start)
	if err != nil {
		return fmt.Errorf("reading pass %d: %w", p.Start, err)
	}
	return eachRow(rows, func(_ int64, r *row) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		samples, err := sample.DecodeSamples(r.blob)
		if err != nil {
			return fmt.Errorf("reading pass %d: %w: %w", p.Start, store.ErrDamaged, err)
		}
		for i := range samples {
			samples[i].Time = sample.Seconds(effective(samples[i].Time, r.shift, time.Unix(0, r.arrived)))
		}
		return f(r.device, samples)
	})
}

// EachThinned is Each for a pass with Thinned set.
func (q *Queue) EachThinned(ctx context.Context, p pass.Pass, f func(device string, all []pass.Summary) error) error {
	var own error
	err := q.eachThinned(ctx, p, func(device string, all []pass.Summary) error {
		own = f(device, all)
		return own
	})
	if own == nil {
		q.notice(err)
	}
	return err
}

func (q *Queue) eachThinned(ctx context.Context, p pass.Pass, f func(device string, all []pass.Summary) error) error {
	rows, err := q.db.QueryContext(q.reading, reportRows, p.First, p.Last, p.Start)
	if err != nil {
		return fmt.Errorf("reading pass %d: %w", p.Start, err)
	}
	return eachRow(rows, func(_ int64, r *row) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		all, err := r.summaries()
		if err != nil {
			return fmt.Errorf("reading pass %d: %w: %w", p.Start, store.ErrDamaged, err)
		}
		return f(r.device, all)
	})
}

const reportRows = "SELECT id, device, arrived, shift, samples FROM report WHERE id BETWEEN ? AND ? AND pass=? ORDER BY id"

// A row is what is read of a report.
type row struct {
	device  string
	arrived int64
	shift   float64
	blob    sql.RawBytes
}

// summaries returns what a report holds, thinned before or not.
func (r *row) summaries() ([]pass.Summary, error) {
	if len(r.blob) > 0 && r.blob[0] == '{' {
		return pass.DecodeSummaries(r.blob)
	}
	samples, err := sample.DecodeSamples(r.blob)
	if err != nil {
		return nil, err
	}
	all := make([]pass.Summary, len(samples))
	for i := range samples {
		all[i] = pass.SummaryOf(&samples[i], sample.Seconds(effective(samples[i].Time, r.shift, time.Unix(0, r.arrived))))
	}
	return all, nil
}

func eachRow(rows *sql.Rows, f func(id int64, r *row) error) error {
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var id int64
		var r row
		if err := rows.Scan(&id, &r.device, &r.arrived, &r.shift, &r.blob); err != nil {
			return err
		}
		if err := f(id, &r); err != nil {
			return err
		}
	}
	return rows.Err()
}
