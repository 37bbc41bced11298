package queue

import (
	"context"
	"slices"
	"time"

	"piway/gateway/queue/store"
)

// Bounds of one transaction.
const (
	maxBatch = 512
	// enough is a batch that shares its fsync well; it is not kept waiting, so that the senders it answers work on the
	// next one while this one is committed.
	enough = 128
	// linger is what the writer waits for company once a batch shows that there is some: one fsync then serves
	// many. A lone sender is not kept waiting.
	linger = 2 * time.Millisecond
	// gap without company ends it: all who wait are in the batch.
	gap = linger / 8
)

// loop gathers ops into transactions until ctx ends, then commits what is left; or until the store has to be opened
// anew.
func (q *Queue) loop(ctx context.Context) error {
	// What was taken must be answered, so the transactions outlive ctx.
	work := context.WithoutCancel(ctx)
	tick := time.NewTicker(closeEvery)
	defer tick.Stop()
	batch := make([]op, 0, maxBatch)
	for {
		q.beats()
		q.attend(work)
		clear(batch) // what was written is not held until it is overwritten
		batch = batch[:0]
		select {
		case o := <-q.in:
			batch = q.gather(append(batch, o))
		case <-tick.C:
			q.w.look()
			q.w.bounds.tell(q.w.now.mono, q.cfg.Log)
			q.lookAround(work)
			q.thin(work)
			if !q.w.due() {
				continue
			}
		case err := <-q.sick:
			return err
		case <-ctx.Done():
			q.drain(work)
			q.leave(work)
			return nil
		}
		q.commit(work, batch)
		q.rest(ctx)
	}
}

// closeEvery is how often passes are looked at when nothing arrives.
const closeEvery = 200 * time.Millisecond

// gather takes what is there, and lingers for more while the senders keep it busy.
func (q *Queue) gather(batch []op) []op {
	batch = q.take(batch)
	if len(batch) < 2 || q.cfg.CommitInterval > 0 {
		return batch
	}
	end := time.Now().Add(linger)
	t := time.NewTimer(gap)
	defer t.Stop()
	for len(batch) < enough {
		select {
		case o := <-q.in:
			batch = q.take(append(batch, o))
			t.Reset(min(gap, time.Until(end)))
		case <-t.C:
			return batch
		}
	}
	return batch
}

func (q *Queue) take(batch []op) []op {
	for len(batch) < maxBatch {
		select {
		case o := <-q.in:
			batch = append(batch, o)
		default:
			return batch
		}
	}
	return batch
}

// commit writes a batch and answers it. Reports that do not fit must not keep room from being made: after an error
// the other work of the batch is tried without them, and once more when the ballast was given up for it. After an error
// of a write or a sync nothing is tried nor acknowledged until that is mended.
func (q *Queue) commit(ctx context.Context, batch []op) {
	if why := q.disk.refuses(); why != nil {
		if batch = q.refuse(batch, why); len(batch) == 0 {
			return
		}
	}
	err := q.write(ctx, batch)
	var work []op // to be tried again
	if err == nil {
		q.committed(ctx, batch)
	} else {
		batch, work = q.again(batch, q.failed(err, len(batch)))
	}
	for _, o := range batch {
		o.done(err)
	}
	if err == nil && q.w.foldAndTell {
		q.tellPasses()
	}
	if len(work) > 0 {
		q.commit(ctx, work)
	}
}

// again parts a batch that failed into what is answered and the work that is tried without the entries, or because room
// was made for it.
func (q *Queue) again(batch []op, freed bool) (answered, work []op) {
	work = slices.DeleteFunc(slices.Clone(batch), isEntry)
	if q.disk.mend || (len(work) == len(batch) && !freed) {
		return batch, nil
	}
	return slices.DeleteFunc(batch, func(o op) bool { return !isEntry(o) }), work
}

// write is one transaction. Next picks no pass while some are dated again.
func (q *Queue) write(ctx context.Context, batch []op) error {
	q.w.look()
	if q.w.redateDue() {
		q.picking.Lock()
		defer q.picking.Unlock()
	}
	return q.w.write(ctx, batch)
}

func isEntry(o op) bool { return o.tx == nil }

// committed does what follows a commit.
func (q *Queue) committed(ctx context.Context, batch []op) {
	q.disk.succeeded(slices.ContainsFunc(batch, isEntry))
	if q.w.log.committed(q.w.now.mono) {
		q.tend(ctx)
	}
}

// tellPasses lets those who wait in Next look again.
func (q *Queue) tellPasses() {
	q.mu.Lock()
	q.closings = slices.Clone(q.w.passes.recent)
	q.mu.Unlock()
	q.broadcast()
}

// refuse answers the entries of a batch and returns the rest, which is nothing where nothing may be written.
func (q *Queue) refuse(batch []op, why error) (work []op) {
	for _, o := range batch {
		switch {
		case o.tx != nil && !q.disk.mend:
			work = append(work, o)
			continue
		case o.tx == nil:
			q.disk.refused++
		}
		o.done(why)
	}
	return work
}

// lookAround looks after the store's files when no commit does.
func (q *Queue) lookAround(ctx context.Context) {
	if q.disk.mend {
		return
	}
	log, _ := q.w.checkpoint(ctx, noop) // of an error others tell
	if err := q.place.look(q.cfg.Path, q.w.log.checkpoints, log); err != nil {
		q.failed(err, 0)
		return
	}
	q.tend(ctx)
}

// tend looks after the log. That it cannot be moved is an error of the disk like any other.
func (q *Queue) tend(ctx context.Context) {
	if err := q.w.tend(ctx); err != nil {
		q.failed(err, 0)
		return
	}
	q.tellLog()
}

// failed notes a failed transaction, and tells it unless it is part of what was told. It reports whether room was made.
func (q *Queue) failed(err error, messages int) (freed bool) {
	kind := store.TroubleOf(err, q.disk.dir())
	switch kind { //nolint:exhaustive // told below
	case store.Full, store.AtBound, store.ReadOnly, store.Failing, store.Astray:
		return q.disk.failed(kind, err)
	}
	q.cfg.Log.Error("writing to the store failed; nothing of it is acknowledged", "messages", messages, "err", err)
	q.notice(err)
	return false
}

// rest keeps CommitInterval between two commits.
func (q *Queue) rest(ctx context.Context) {
	if q.cfg.CommitInterval <= 0 {
		return
	}
	t := time.NewTimer(q.cfg.CommitInterval)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (q *Queue) drain(ctx context.Context) {
	for {
		batch := q.take(nil)
		if len(batch) == 0 {
			return
		}
		q.commit(ctx, slices.Clip(batch))
	}
}
