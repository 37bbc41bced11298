package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
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
	// Expired datums below Next were skipped, not sent.
	Expired Numbers
	// Parked datums below Next are set aside, and ParkedCounts says of whose samples they are made; nil leaves that as it
	// is on disk. Shelved means that nothing else is left of the pass, so that Next does not return it before all others.
	Parked       Numbers
	ParkedCounts map[Count]int
	Shelved      bool
	// Live says that it closed just now, see Order.
	Live bool
	// Thinned is the length of the windows that its samples were aggregated to, 0 if they were not: EachThinned reads it then.
	Thinned time.Duration

	first, last int64
}

// Numbers is a set of datum numbers, small where they are mostly consecutive. The zero value is empty.
type Numbers struct{ s spans }

// Add puts i into the set.
func (n *Numbers) Add(i int) { n.s = n.s.add(int64(i)) }

// Remove takes i out of the set.
func (n *Numbers) Remove(i int) { n.s = n.s.remove(int64(i)) }

// Len is how many are in the set.
func (n *Numbers) Len() (all int) {
	for _, sp := range n.s {
		all += int(sp.hi - sp.lo + 1)
	}
	return all
}

// Empty reports whether nothing is in the set.
func (n *Numbers) Empty() bool { return len(n.s) == 0 }

// Has reports whether i is in the set.
func (n *Numbers) Has(i int) bool { return n.s.has(int64(i)) }

// An Order says which pass is wanted next: a live one, then any other that is closed, then a shelved one behind Shelved; of
// several the oldest. The zero value is the oldest of all that are dated.
type Order struct {
	// InHand are passes that were returned and are not settled; they are passed over.
	InHand func(start int64) bool
	// Live is how long after it closed a pass counts as live, by the monotonic clock; 0 is no lane of its own.
	Live time.Duration
	// LiveOnly wants nothing but that, or any pass where Live is 0, and does not wait for it.
	LiveOnly bool
	// Shelved is the last shelved pass that was returned.
	Shelved int64
	// Undated also wants passes whose times may be wrong, since this machine's clock is not known to be right.
	Undated bool
}

// ErrNone is returned where an Order does not wait and there is no such pass.
var ErrNone = errors.New("no such pass")

// Next waits for a pass and prepares it for sending. fingerprint names the code and settings that number its datums: if a
// part of it was acknowledged under another one, it starts again from its first datum. It returns ErrClosed after the
// end of Run.
func (q *Queue) Next(ctx context.Context, o Order, fingerprint string) (Pass, error) {
	for {
		changed := q.changes()
		p, err := q.begin(ctx, &o, fingerprint)
		q.notice(err)
		if !errors.Is(err, ErrNone) || o.LiveOnly {
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

// LastClosed is the pass that closed last, as far as is known. One that closes is told to nobody who does not wait in Next.
func (q *Queue) LastClosed() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.closings) == 0 {
		return q.lastClosed
	}
	return q.closings[len(q.closings)-1].start
}

// live returns the passes that closed no longer ago than that.
func (q *Queue) live(within time.Duration) (starts []int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range q.closings {
		if within > 0 && q.mono()-c.at <= within {
			starts = append(starts, c.start)
		}
	}
	return starts
}

// States of a pass, in the column closed.
const (
	stateClosed  = 1
	stateShelved = 2
)

// passColumns are of passes that are dated, or of which something was sent and that stay as they are, or of all for ?1.
const passColumns = "SELECT start, first, last, closed, next, fingerprint, expired, parked, thinned FROM pass WHERE (undated=0 OR next>0 OR ?1) AND "

// begin returns ErrNone if there is no such pass yet.
func (q *Queue) begin(ctx context.Context, o *Order, fingerprint string) (Pass, error) {
	for _, start := range q.live(o.Live) {
		p, err := q.first(ctx, o, passColumns+"closed=1 AND start=?2", start, fingerprint)
		if !errors.Is(err, ErrNone) {
			p.Live = err == nil
			return p, err
		}
	}
	if o.LiveOnly && o.Live > 0 {
		return Pass{}, ErrNone
	}
	p, err := q.first(ctx, o, passColumns+"closed=1 AND start>=?2 ORDER BY start", math.MinInt64, fingerprint)
	if !errors.Is(err, ErrNone) {
		return p, err
	}
	return q.first(ctx, o, passColumns+"closed=2 AND start>?2 ORDER BY start", o.Shelved, fingerprint)
}

// first returns the first pass of a lane that is not in hand.
func (q *Queue) first(ctx context.Context, o *Order, query string, bound int64, fingerprint string) (Pass, error) {
	p, mark, err := q.pick(ctx, o, query, bound)
	if err != nil || mark == fingerprint {
		return p, err
	}
	if err := q.restart(ctx, &p, fingerprint); err != nil {
		q.Release(p.Start) // it was returned to nobody
		return p, fmt.Errorf("beginning pass %d: %w", p.Start, err)
	}
	return p, nil
}

// pick returns a pass and holds it.
func (q *Queue) pick(ctx context.Context, o *Order, query string, bound int64) (Pass, string, error) {
	q.picking.Lock()
	defer q.picking.Unlock()
	p, mark, err := q.scanFirst(ctx, o, query, bound)
	if err == nil {
		q.hold(p.Start)
	}
	return p, mark, err
}

func (q *Queue) scanFirst(ctx context.Context, o *Order, query string, bound int64) (p Pass, mark string, err error) {
	rows, err := q.db.QueryContext(q.reading, query, o.Undated, bound)
	if err != nil {
		return p, "", fmt.Errorf("reading passes: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var state int
		var expired, parked string
		if err := rows.Scan(&p.Start, &p.first, &p.last, &state, &p.Next, &mark, &expired, &parked, &p.Thinned); err != nil {
			return p, "", fmt.Errorf("reading passes: %w", err)
		}
		if o.InHand != nil && o.InHand(p.Start) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return p, "", err
		}
		if err := errors.Join(p.Expired.parse(expired), p.Parked.parse(parked)); err != nil {
			return p, "", fmt.Errorf("reading pass %d: %w", p.Start, err)
		}
		p.Shelved = state == stateShelved
		p.Thinned *= time.Second
		return p, mark, nil
	}
	if err := rows.Err(); err != nil {
		return p, "", fmt.Errorf("reading passes: %w", err)
	}
	return p, "", ErrNone
}

// Backlog says how many closed passes wait, those in hand included, and the start of the oldest.
func (q *Queue) Backlog(_ context.Context) (passes int, oldest int64, err error) {
	err = q.db.QueryRowContext(q.reading, "SELECT COUNT(*), COALESCE(MIN(start), 0) FROM pass WHERE closed=1").Scan(&passes, &oldest)
	if err != nil {
		return 0, 0, fmt.Errorf("reading passes: %w", err)
	}
	return passes, oldest, nil
}

// restart makes the pass one of which nothing is acknowledged.
func (q *Queue) restart(ctx context.Context, p *Pass, fingerprint string) error {
	if p.Next > 0 {
		q.cfg.Log.Warn("version or settings changed inside a pass, it is sent again from its start", "pass", p.Start, "datums", p.Next)
	}
	*p = Pass{Start: p.Start, Live: p.Live, Thinned: p.Thinned, first: p.first, last: p.last}
	return q.do(ctx, func(ctx context.Context, w *writer) error {
		if _, err := w.beginPass.ExecContext(ctx, fingerprint, p.Start); err != nil {
			return err
		}
		_, err := w.deleteParked.ExecContext(ctx, p.Start)
		return err
	})
}

func (n *Numbers) parse(text string) (err error) {
	n.s, err = parseSpans(text)
	return err
}

// Each calls f with each report of the pass, in order of arrival; the samples' times are the corrected ones.
// The samples are f's to keep. It ends at the first error, f's own included.
func (q *Queue) Each(ctx context.Context, p Pass, f func(device string, samples []sample.Sample) error) error {
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

func (q *Queue) each(ctx context.Context, p Pass, f func(device string, samples []sample.Sample) error) error {
	rows, err := q.db.QueryContext(q.reading, reportRows, p.first, p.last, p.Start)
	if err != nil {
		return fmt.Errorf("reading pass %d: %w", p.Start, err)
	}
	return eachRow(rows, func(_ int64, r *row) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		samples, err := sample.DecodeSamples(r.blob)
		if err != nil {
			return fmt.Errorf("reading pass %d: %w: %w", p.Start, ErrDamaged, err)
		}
		for i := range samples {
			samples[i].Time = seconds(effective(samples[i].Time, r.shift, time.Unix(0, r.arrived)))
		}
		return f(r.device, samples)
	})
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// Clone returns a copy that changes on its own.
func (p Pass) Clone() Pass {
	p.Expired.s, p.Parked.s = slices.Clone(p.Expired.s), slices.Clone(p.Parked.s)
	return p
}

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
