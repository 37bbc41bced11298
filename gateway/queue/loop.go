package queue

import (
	"context"
	"slices"
	"time"
)

// loop gathers ops into transactions until ctx ends, then commits what is left; or until the store has to be opened
// anew.
func (q *Queue) loop(ctx context.Context) error {
	// What was taken must be answered, so the transactions outlive ctx.
	work := context.WithoutCancel(ctx)
	tick := time.NewTicker(closeEvery)
	defer tick.Stop()
	var ops []op // that wait for company
	wait := newWait(&q.cfg)
	defer wait.stop()
	for {
		q.beats()
		q.disk.Attend(work)
		due := true
		select {
		case o := <-q.in.Next():
			ops, due = q.take(wait, append(ops, o))
		case <-wait.over():
		case <-q.hurried(ops):
		case <-tick.C:
			due = q.attend(work, len(ops))
		case err := <-q.sick:
			for _, o := range ops {
				o.done(ErrClosed)
			}
			return err
		case <-ctx.Done():
			q.drain(work, ops)
			q.disk.Leave(work)
			return nil
		}
		if !due {
			continue
		}
		q.commit(work, ops)
		wait.committed(q.w.now.mono)
		clear(ops) // what was written is not held until it is overwritten
		ops = ops[:0]
		q.rest(ctx)
	}
}

// attend does what is to be done several times a second, and reports whether a commit is due, with those that wait.
func (q *Queue) attend(ctx context.Context, waiting int) bool {
	q.w.look()
	q.w.bounds.endEpisodes(q.w.now.mono, q.cfg.Log)
	q.lookAround(ctx)
	q.thin(ctx)
	return q.w.due() || waiting > 0 && q.w.nearlyDue()
}

// take adds to ops what is there, and reports whether they are to be committed.
func (q *Queue) take(wait *wait, ops []op) (all []op, due bool) {
	ops = q.in.Take(ops)
	if q.mayWait(wait, ops) {
		return ops, false
	}
	return q.gather(ops), true
}

// mayWait reports whether all ops may wait for more.
func (q *Queue) mayWait(wait *wait, ops []op) bool {
	if q.cfg.Linger == 0 || q.in.Full(ops) {
		return false
	}
	q.w.look()
	return wait.joined(ops, q.w.now)
}

// hurried has a value when somebody hurries and something waits: else it is for what comes.
func (q *Queue) hurried(ops []op) <-chan struct{} {
	if len(ops) == 0 {
		return nil
	}
	return q.hurry
}

// gather adds what is there, and lingers for company unless there is time between two commits anyway.
func (q *Queue) gather(ops []op) []op {
	if q.cfg.CommitInterval > 0 {
		return q.in.Take(ops)
	}
	return q.in.Gather(ops)
}

// closeEvery is how often passes are looked at when nothing arrives.
const closeEvery = 200 * time.Millisecond

// commit writes ops in one transaction and answers them. Reports that do not fit must not keep room from being made:
// after an error the other work is tried without them, and once more when the ballast was given up for it. After an
// error of a write or a sync nothing is tried nor acknowledged until that is mended.
func (q *Queue) commit(ctx context.Context, ops []op) {
	if why := q.disk.Refuses(); why != nil {
		if ops = q.refuse(ops, why); len(ops) == 0 {
			return
		}
	}
	err := q.write(ctx, ops)
	var work []op // to be tried again
	if err == nil {
		q.committed(ctx, ops)
	} else {
		ops, work = q.again(ops, q.failed(err, len(ops)))
	}
	for _, o := range ops {
		o.done(err)
	}
	if err == nil && q.w.wakes {
		q.wake()
	}
	if len(work) > 0 {
		q.commit(ctx, work)
	}
}

// again parts ops that failed into what is answered and the work that is tried without the entries, or because room
// was made for it.
func (q *Queue) again(ops []op, freed bool) (answered, work []op) {
	work = slices.DeleteFunc(slices.Clone(ops), isEntry)
	if q.disk.Mending() || (len(work) == len(ops) && !freed) {
		return ops, nil
	}
	return slices.DeleteFunc(ops, func(o op) bool { return !isEntry(o) }), work
}

// write is one transaction.
func (q *Queue) write(ctx context.Context, ops []op) error {
	q.w.look()
	return q.w.write(ctx, ops)
}

func isEntry(o op) bool { return o.tx == nil }

// committed does what follows a commit.
func (q *Queue) committed(ctx context.Context, ops []op) {
	q.disk.Succeeded(slices.ContainsFunc(ops, isEntry))
	if q.w.wal.Committed(q.w.now.mono) {
		q.tend(ctx)
	}
}

// wake lets those who wait in Next look again.
func (q *Queue) wake() {
	q.mu.Lock()
	q.closings = slices.Clone(q.w.passes.recent)
	q.mu.Unlock()
	q.broadcast()
}

// refuse answers the entries and returns the rest, which is nothing where nothing may be written.
func (q *Queue) refuse(ops []op, why error) (work []op) {
	for _, o := range ops {
		switch {
		case o.tx != nil && !q.disk.Mending():
			work = append(work, o)
			continue
		case o.tx == nil:
			q.disk.Refused()
		}
		o.done(why)
	}
	return work
}

// lookAround looks after the store's files when no commit does.
func (q *Queue) lookAround(ctx context.Context) {
	if q.disk.Mending() {
		return
	}
	if err := q.disk.Look(ctx); err != nil {
		q.failed(err, 0)
		return
	}
	q.tend(ctx)
}

// tend looks after the log. That it cannot be moved is an error of the disk like any other.
func (q *Queue) tend(ctx context.Context) {
	if err := q.w.wal.Tend(ctx, q.w.now.mono); err != nil {
		q.failed(err, 0)
	}
}

// failed notes a failed transaction, and logs it unless it is part of a trouble that the disk deals with. It reports
// whether room was made.
func (q *Queue) failed(err error, messages int) (freed bool) {
	if freed, ours := q.disk.Failed(err); ours {
		return freed
	}
	q.cfg.Log.Error("writing to the store failed; nothing of it is acknowledged", "messages", messages, "err", err)
	q.notice(err)
	return false
}

// prove commits something: that the log can be synced is known when it was. It returns false if it cannot.
func (q *Queue) prove(ctx context.Context) bool {
	touch := func(ctx context.Context, w *writer) error { return w.books.Touch(ctx, w.conn) }
	if err := q.write(ctx, []op{{tx: touch}}); err != nil {
		q.failed(err, 0)
		return false
	}
	if q.w.wakes {
		q.wake()
	}
	return true
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

// drain commits ops and all that is there.
func (q *Queue) drain(ctx context.Context, ops []op) {
	for ops = q.in.Take(ops); len(ops) > 0; ops = q.in.Take(nil) {
		q.commit(ctx, slices.Clip(ops))
	}
}
