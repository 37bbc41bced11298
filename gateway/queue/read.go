package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"piway/shared/sample"
)

// A Pass is a closed one, with the point up to which AWS has acknowledged it.
type Pass struct {
	// Start identifies the pass; it is its window's start in Unix seconds where no clock was set back.
	Start int64
	// Next is the first datum that is not acknowledged.
	Next int
	// Expired datums below Next were skipped, not sent: closed intervals of datum numbers, as String wrote them.
	Expired Numbers

	first, last int64
}

// Numbers is a set of datum numbers, small where they are mostly consecutive. The zero value is empty.
type Numbers struct{ s spans }

// Add puts n into the set, Has tells whether it is there.
func (n *Numbers) Add(i int) { n.s = n.s.add(int64(i)) }

// Has reports whether i is in the set.
func (n *Numbers) Has(i int) bool { return n.s.has(int64(i)) }

// Next waits for the first closed pass after the one that started at after (0 for the first of all), and prepares it
// for sending. fingerprint names the code and settings that number its datums: if a part of it was acknowledged under
// another one, it starts again from its first datum. It returns ErrClosed after the end of Run.
func (q *Queue) Next(ctx context.Context, after int64, fingerprint string) (Pass, error) {
	for {
		changed := q.changes()
		p, err := q.begin(ctx, after, fingerprint)
		if !errors.Is(err, sql.ErrNoRows) {
			return p, err
		}
		select {
		case <-changed:
		case <-q.ended:
			return Pass{}, ErrClosed
		case <-ctx.Done():
			return Pass{}, ctx.Err()
		}
	}
}

func (q *Queue) begin(ctx context.Context, after int64, fingerprint string) (Pass, error) {
	var p Pass
	var mark, expired string
	err := q.db.QueryRowContext(ctx, `SELECT start, first, last, next, fingerprint, expired FROM pass
		WHERE closed=1 AND start>? ORDER BY start LIMIT 1`, after).Scan(&p.Start, &p.first, &p.last, &p.Next, &mark, &expired)
	if err != nil {
		return p, err // sql.ErrNoRows is for Next
	}
	if mark == fingerprint {
		p.Expired.s, err = parseSpans(expired)
		if err != nil {
			return p, fmt.Errorf("reading pass %d: %w", p.Start, err)
		}
		return p, nil
	}
	if p.Next > 0 {
		q.cfg.Log.Warn("version or settings changed inside a pass, it is sent again from its start", "pass", p.Start, "datums", p.Next)
	}
	p.Next = 0
	err = q.do(ctx, func(ctx context.Context, w *writer) error {
		_, err := w.beginPass.ExecContext(ctx, 0, fingerprint, "", p.Start)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("beginning pass %d: %w", p.Start, err)
	}
	return p, nil
}

// Each calls f with each report of the pass, in order of arrival; the samples' times are the corrected ones.
// The samples are f's to keep. It ends at the first error, f's own included.
func (q *Queue) Each(ctx context.Context, p Pass, f func(device string, samples []sample.Sample) error) error {
	rows, err := q.db.QueryContext(ctx,
		"SELECT device, arrived, shift, samples FROM report WHERE id BETWEEN ? AND ? AND pass=? ORDER BY id", p.first, p.last, p.Start)
	if err != nil {
		return fmt.Errorf("reading pass %d: %w", p.Start, err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var device string
		var arrived int64
		var shift float64
		var blob sql.RawBytes
		if err := rows.Scan(&device, &arrived, &shift, &blob); err != nil {
			return fmt.Errorf("reading pass %d: %w", p.Start, err)
		}
		samples, err := sample.DecodeSamples(blob)
		if err != nil {
			return fmt.Errorf("reading pass %d: %w", p.Start, err)
		}
		for i := range samples {
			samples[i].Time = seconds(effective(samples[i].Time, shift, time.Unix(0, arrived)))
		}
		if err := f(device, samples); err != nil {
			return err
		}
	}
	return rows.Err()
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// Clone returns a copy that changes on its own.
func (p Pass) Clone() Pass {
	p.Expired.s = slices.Clone(p.Expired.s)
	return p
}

// A Count names what became of some of a device's samples.
type Count struct {
	Device  string
	Outcome string // Sent or Expired
	Reason  string // of Expired
}

// Done is a pass of which every datum is acknowledged by AWS or expired, with what became of its samples.
type Done struct {
	Pass   Pass
	Counts map[Count]int
}

// Settle takes passes off the disk, books their samples in the ledger and makes the position in another one durable
// (part, if not nil: its Next and Expired). All of it is done when it returns nil, and nothing after an error.
func (q *Queue) Settle(ctx context.Context, done []Done, part *Pass) error {
	return q.do(ctx, func(ctx context.Context, w *writer) error {
		for _, d := range done {
			if err := w.finish(ctx, d); err != nil {
				return fmt.Errorf("finishing pass %d: %w", d.Pass.Start, err)
			}
		}
		if part == nil {
			return nil
		}
		if _, err := w.movePass.ExecContext(ctx, part.Next, part.Expired.s.String(), part.Start); err != nil {
			return fmt.Errorf("moving pass %d to %d: %w", part.Start, part.Next, err)
		}
		return nil
	})
}

func (w *writer) finish(ctx context.Context, d Done) error {
	if _, err := w.deleteReports.ExecContext(ctx, d.Pass.first, d.Pass.last, d.Pass.Start); err != nil {
		return err
	}
	if _, err := w.deletePass.ExecContext(ctx, d.Pass.Start); err != nil {
		return err
	}
	for c, n := range d.Counts {
		w.ledger.add(c.Device, c.Outcome, c.Reason, n)
	}
	w.closed = true // folds, so that no deleted report is still to be counted
	return nil
}

// Owners returns whose each metric name is.
func (q *Queue) Owners(ctx context.Context) (map[string]string, error) {
	rows, err := q.db.QueryContext(ctx, "SELECT name, device FROM owner")
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
