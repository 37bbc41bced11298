// Package reports reads what is stored of the reports of a pass.
//
// Its promise: samples come in the order in which their reports arrived, with the times at which they were taken, the
// sender's clock corrected; what the queue cannot have written is store.ErrDamaged.
package reports

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue/store"
	"piway/shared/sample"
)

// A Row is a report as it is stored. Call its methods before the next is read.
type Row struct {
	ID      int64
	Device  string
	Arrived int64 // Unix nanoseconds
	shift   float64
	blob    sql.RawBytes
}

// Overhead is what a report takes beside its samples, in bytes, about.
const Overhead = 256

// Bytes is what a report takes, about.
func (r *Row) Bytes() int64 { return int64(len(r.blob) + Overhead) }

// Each calls f with each report of a pass, and ends at the first error.
func Each(ctx context.Context, from store.Reader, p pass.Pass, f func(*Row) error) error {
	var r Row
	rows, err := from.QueryContext(ctx,
		"SELECT id, device, arrived, shift, samples FROM report WHERE id BETWEEN ? AND ? AND pass=? ORDER BY id",
		p.First, p.Last, p.Start)
	return store.Each(rows, err, func() error { return f(&r) }, &r.ID, &r.Device, &r.Arrived, &r.shift, &r.blob)
}

// Samples returns what a report holds that was not thinned, at corrected times.
func (r *Row) Samples() ([]sample.Sample, error) {
	samples, err := sample.DecodeSamples(r.blob)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrDamaged, err)
	}
	for i := range samples {
		samples[i].Time = sample.Seconds(taken(samples[i].Time, r.shift, time.Unix(0, r.Arrived)))
	}
	return samples, nil
}

// Summaries returns what a report holds, thinned before or not.
func (r *Row) Summaries() ([]pass.Summary, error) {
	if len(r.blob) > 0 && r.blob[0] == '{' {
		all, err := pass.DecodeSummaries(r.blob)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", store.ErrDamaged, err)
		}
		return all, nil
	}
	samples, err := r.Samples()
	all := make([]pass.Summary, len(samples))
	for i := range samples {
		all[i] = pass.SummaryOf(&samples[i], samples[i].Time)
	}
	return all, err
}

// Newest is when the newest of some samples was taken, of a report that arrived then and of which the times are
// corrected by shift seconds.
func Newest(samples []sample.Sample, shift float64, arrived time.Time) (newest time.Time) {
	for _, s := range samples {
		if t := taken(s.Time, shift, arrived); t.After(newest) {
			newest = t
		}
	}
	return newest
}

// taken is the time of a sample that the sender dated at t: shifted, or the arrival when it gave none.
func taken(t, shift float64, arrived time.Time) time.Time {
	if t == 0 {
		return arrived
	}
	return sample.Time(t + shift)
}

// Delete takes the reports of a pass off the disk.
func Delete(ctx context.Context, conn *store.Conn, p pass.Pass) error {
	_, err := conn.ExecContext(ctx, "DELETE FROM report WHERE id BETWEEN ? AND ? AND pass=?", p.First, p.Last, p.Start)
	return err
}
