package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"piway/gateway/queue/store"

	"piway/gateway/pass"
)

// Next waits for a pass, prepares it for sending and takes it in hand: no other Next returns it until it is settled,
// shelved or given back by Release. fingerprint names the code and settings that number its datums:
// if a part of it was acknowledged under another one, it starts again from its first datum. It returns ErrClosed after
// the end of Run.
func (q *Queue) Next(ctx context.Context, o pass.Order, fingerprint string) (pass.Pass, error) {
	for {
		changed := q.changes()
		p, err := q.begin(ctx, &o, fingerprint)
		q.notice(err)
		if !errors.Is(err, pass.ErrNone) || o.LiveOnly {
			return p, err
		}
		select {
		case <-changed:
		case <-q.in.Closed():
			return pass.Pass{}, ErrClosed
		case <-ctx.Done():
			return pass.Pass{}, ctx.Err()
		}
	}
}

// LastClosed is the pass that closed last, as far as is known. One that closes is told to nobody who does not wait in
// Next.
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
const passColumns = "SELECT start, first, last, closed, next, fingerprint, expired, parked, thinned FROM pass " +
	"WHERE (undated=0 OR next>0 OR ?1) AND "

// begin returns ErrNone if there is no such pass yet.
func (q *Queue) begin(ctx context.Context, o *pass.Order, fingerprint string) (pass.Pass, error) {
	for _, start := range q.live(o.Live) {
		p, err := q.first(ctx, o.Undated, passColumns+"closed=1 AND start=?2", start, fingerprint)
		if !errors.Is(err, pass.ErrNone) {
			p.Live = err == nil
			return p, err
		}
	}
	if o.LiveOnly && o.Live > 0 {
		return pass.Pass{}, pass.ErrNone
	}
	p, err := q.first(ctx, o.Undated, passColumns+"closed=1 AND start>=?2 ORDER BY start", math.MinInt64, fingerprint)
	if !errors.Is(err, pass.ErrNone) {
		return p, err
	}
	return q.first(ctx, o.Undated, passColumns+"closed=2 AND start>?2 ORDER BY start", o.Shelved, fingerprint)
}

// first returns the first pass of a lane that is not in hand.
func (q *Queue) first(
	ctx context.Context, undated bool, query string, bound int64, fingerprint string,
) (pass.Pass, error) {
	p, mark, err := q.pick(ctx, undated, query, bound)
	p.Fingerprint = fingerprint
	if err != nil || mark == fingerprint || !p.Begun() {
		return p, err
	}
	if err := q.restart(ctx, &p, fingerprint); err != nil {
		q.Release(p.Start) // it was returned to nobody
		return p, fmt.Errorf("beginning pass %d: %w", p.Start, err)
	}
	return p, nil
}

// pick returns a pass and takes it in hand.
func (q *Queue) pick(ctx context.Context, undated bool, query string, bound int64) (pass.Pass, string, error) {
	q.inHand.Picking.Lock()
	defer q.inHand.Picking.Unlock()
	p, mark, err := q.scanFirst(ctx, undated, query, bound)
	if err == nil {
		q.inHand.Take(p.Start)
	}
	return p, mark, err
}

func (q *Queue) scanFirst(ctx context.Context, undated bool, query string, bound int64) (pass.Pass, string, error) {
	var p pass.Pass
	var found bool
	var state int
	var mark, expired, parked string
	rows, err := q.db.QueryContext(q.reading, query, undated, bound)
	err = store.Each(rows, err, func() error {
		if found = !q.inHand.Has(p.Start); found {
			return store.ErrEnough
		}
		return nil
	}, &p.Start, &p.First, &p.Last, &state, &p.Next, &mark, &expired, &parked, &p.Thinned)
	switch {
	case err != nil:
		return p, "", fmt.Errorf("reading passes: %w", err)
	case !found:
		return p, "", pass.ErrNone
	case ctx.Err() != nil:
		return p, "", ctx.Err()
	}
	if err := errors.Join(p.Expired.Parse(expired), p.Parked.Parse(parked)); err != nil {
		return p, "", fmt.Errorf("reading pass %d: %w: %w", p.Start, store.ErrDamaged, err)
	}
	p.Shelved = state == stateShelved
	p.Thinned *= time.Second
	return p, mark, nil
}

// Backlog says how many closed passes wait, those in hand included, and the start of the oldest.
func (q *Queue) Backlog(_ context.Context) (passes int, oldest int64, err error) {
	err = q.db.QueryRowContext(q.reading, "SELECT COUNT(*), COALESCE(MIN(start), 0) FROM pass WHERE closed=1").
		Scan(&passes, &oldest)
	if err != nil {
		return 0, 0, fmt.Errorf("reading passes: %w", err)
	}
	return passes, oldest, nil
}

// restart makes the pass one of which nothing is acknowledged.
func (q *Queue) restart(ctx context.Context, p *pass.Pass, fingerprint string) error {
	if p.Next > 0 {
		q.cfg.Log.Warn("version or settings changed inside a pass; it is sent again from its start",
			"pass", p.Start, "datums", p.Next)
	}
	*p = pass.Pass{
		Start: p.Start, Live: p.Live, Thinned: p.Thinned, First: p.First, Last: p.Last, Fingerprint: fingerprint,
	}
	return q.do(ctx, func(ctx context.Context, w *writer) error {
		if _, err := w.conn.ExecContext(ctx,
			"UPDATE pass SET closed=1, next=0, fingerprint=?, expired='', parked='' WHERE start=?",
			fingerprint, p.Start); err != nil {
			return err
		}
		return w.unpark(ctx, p.Start)
	})
}
