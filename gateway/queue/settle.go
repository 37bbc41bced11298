package queue

import (
	"context"
	"fmt"

	"piway/gateway/pass"
	"piway/gateway/queue/ledger"
)

// Settle takes passes off the disk, books their samples in the ledger and makes the positions in others durable (their
// Next, Expired, Parked and Shelved). All of it is done when it returns nil, and nothing after an error. A pass that
// was dropped meanwhile is booked as that, and stays so.
func (q *Queue) Settle(ctx context.Context, done []pass.Done, moved []pass.Pass) error {
	err := q.do(ctx, func(ctx context.Context, w *writer) error {
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
		q.inHand.settled(done, moved)
	}
	return err
}

func (w *writer) finish(ctx context.Context, d pass.Done) error {
	if _, err := w.deleteReports.ExecContext(ctx, d.Pass.First, d.Pass.Last, d.Pass.Start); err != nil {
		return err
	}
	if there, err := w.removePass(ctx, &d.Pass); err != nil || !there {
		return err
	}
	for c, n := range d.Counts {
		w.ledger.Add(c, int64(n))
	}
	w.foldAndTell = true // so that no deleted report is still to be counted
	return nil
}

func (w *writer) move(ctx context.Context, p pass.Pass) error {
	state := stateClosed
	if p.Shelved {
		state = stateShelved
	}
	there, err := affected(w.movePass.ExecContext(ctx, p.Next, p.Expired.String(), p.Parked.String(), state, p.Start))
	if err != nil || !there || p.ParkedCounts == nil {
		return err
	}
	if _, err := w.deleteParked.ExecContext(ctx, p.Start); err != nil {
		return err
	}
	for c, n := range p.ParkedCounts {
		if _, err := w.putParked.ExecContext(ctx, p.Start, c.Device, c.Reason, n); err != nil {
			return err
		}
	}
	return nil
}

// BookRefusedByCloud books samples that the cloud acknowledged and then refused. They stay among those sent, of which
// this is a part.
func (q *Queue) BookRefusedByCloud(ctx context.Context, counts map[ledger.Count]int) error {
	return q.do(ctx, func(_ context.Context, w *writer) error {
		for c, n := range counts {
			w.book(c.Device, ledger.RefusedByCloud, c.Reason, n)
		}
		w.foldAndTell = true
		return nil
	})
}
