package queue

import (
	"context"
	"fmt"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue/ledger"
	"piway/gateway/queue/store"
)

// Settle takes passes off the disk, books their samples in the ledger and makes the positions in others durable (their
// Next, Expired, Parked and Shelved). All of it is done when it returns nil, and nothing after an error. A pass that
// was dropped meanwhile is booked as that, and stays so.
func (q *Queue) Settle(ctx context.Context, done []pass.Done, moved []pass.Pass) error {
	return q.settle(ctx, 0, done, moved)
}

// SettleSoon is Settle that goes along with the next commit, if there is one within twice Linger and before Hurry.
func (q *Queue) SettleSoon(ctx context.Context, done []pass.Done, moved []pass.Pass) error {
	return q.settle(ctx, 2*q.cfg.Linger, done, moved)
}

// Hurry has all committed that waits for company, or the next that would. It does not wait for that.
func (q *Queue) Hurry() {
	select {
	case q.hurry <- struct{}{}:
	default:
	}
}

// Flush returns when all that was appended before is committed, or answered with an error.
func (q *Queue) Flush(ctx context.Context) error {
	return q.do(ctx, func(context.Context, *writer) error { return nil })
}

func (q *Queue) settle(ctx context.Context, patient time.Duration, done []pass.Done, moved []pass.Pass) error {
	err := q.doWithin(ctx, patient, func(ctx context.Context, w *writer) error {
		for _, d := range done {
			if err := w.finish(ctx, d); err != nil {
				return fmt.Errorf("finishing pass %d: %w", d.Pass.Start, err)
			}
		}
		for _, p := range moved {
			if err := w.move(ctx, p); err != nil {
				return fmt.Errorf("moving pass %d to %d: %w", p.Start, p.Next, err)
			}
		}
		return nil
	})
	if err == nil {
		q.inHand.Settled(done, moved)
	}
	return err
}

func (w *writer) finish(ctx context.Context, d pass.Done) error {
	if err := w.leave(ctx, d.Pass, nil); err != nil {
		return err
	}
	if there, err := w.removePass(ctx, d.Pass.Start); err != nil || !there {
		return err
	}
	for c, n := range d.Counts {
		w.books.BookCount(c, n)
	}
	w.wakes, w.folds = true, true // so that no deleted report is still to be counted
	return nil
}

func (w *writer) move(ctx context.Context, p pass.Pass) error {
	state := stateClosed
	if p.Shelved {
		state = stateShelved
	}
	there, err := store.Changed(w.conn.ExecContext(ctx,
		"UPDATE pass SET next=?, expired=?, parked=?, closed=?, fingerprint=? WHERE start=?",
		p.Next, p.Expired.String(), p.Parked.String(), state, p.Fingerprint, p.Start))
	if err != nil || !there || p.ParkedCounts == nil {
		return err
	}
	if err := w.unpark(ctx, p.Start); err != nil {
		return err
	}
	for c, n := range p.ParkedCounts {
		if _, err := w.conn.ExecContext(ctx, "INSERT INTO parked VALUES (?,?,?,?)",
			p.Start, c.Device, c.Reason, n); err != nil {
			return err
		}
	}
	return nil
}

// removePass takes the row of a pass off the disk. It returns false if it was gone.
func (w *writer) removePass(ctx context.Context, start int64) (bool, error) {
	if err := w.unpark(ctx, start); err != nil {
		return false, err
	}
	return store.Changed(w.conn.ExecContext(ctx, "DELETE FROM pass WHERE start=?", start))
}

// unpark forgets whose samples are parked of a pass.
func (w *writer) unpark(ctx context.Context, start int64) error {
	_, err := w.conn.ExecContext(ctx, "DELETE FROM parked WHERE pass=?", start)
	return err
}

// BookRefusedByCloud books samples that the cloud acknowledged and then refused. They stay among those sent, of which
// this is a part: a claim of more is cut.
func (q *Queue) BookRefusedByCloud(ctx context.Context, counts map[ledger.Count]int) error {
	return q.do(ctx, func(_ context.Context, w *writer) error {
		for c, n := range counts {
			w.books.BookRefusedByCloud(c.Device, c.Reason, n)
		}
		w.wakes, w.folds = true, true
		return nil
	})
}
