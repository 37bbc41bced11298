package queue

import (
	"context"
	"fmt"

	"piway/gateway/queue/store"
)

// openStore opens the store, or what can be salvaged of it.
func (q *Queue) openStore(ctx context.Context) error {
	path := q.cfg.Path
	aside, err := swap(&q.cfg)
	if err != nil {
		return err
	}
	if aside != "" {
		q.cfg.Log.Warn("a copy takes the store's place; what was there is set aside", "aside", aside)
	}
	_ = clearNew(&q.cfg) // a copy that was not finished only takes room
	mark, failed := readMark(path)
	err = q.tryOpen(ctx, mark)
	if store.TroubleOf(err, q.disk.dir()) == store.Full && q.disk.ballast.Free() {
		err = q.tryOpen(ctx, mark) // a file system that copies on write needs room to write in place
	}
	if err == nil {
		return unmark(path, mark)
	}
	if err := q.mayPass(err, failed); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	q.disk.ballast.Free()
	if serr := replace(ctx, &q.cfg, err); serr != nil {
		return fmt.Errorf("%w (and salvaging: %w)", err, serr)
	}
	if err := unmark(path, mark); err != nil {
		return err
	}
	return q.tryOpen(ctx, "")
}

// mayPass returns what to tell of an error that is no reason to salvage, nil for one that is. failed is how often the
// store could not be read before: that this lasts, and is the store's and not all of the disk's, is no passing error
// any more.
func (q *Queue) mayPass(err error, failed int) error {
	switch store.TroubleOf(err, q.disk.dir()) { //nolint:exhaustive // the others are not to be salvaged
	case store.Damaged, store.Unknown:
		return nil
	case store.Failing:
		if !store.Unreadable(err) {
			return fmt.Errorf("%w: %w", store.ErrDisk, err)
		}
		failed++
		setMark(q.cfg.Path, fmt.Sprint(markCheck, " ", failed))
		if failed < salvageAfter || store.TryWrite(q.disk.dir()) != nil {
			return fmt.Errorf("%w: %w", store.ErrDisk, err)
		}
		return nil
	default:
		return err
	}
}

func (q *Queue) tryOpen(ctx context.Context, mark string) error {
	if mark == markSalvage {
		return store.ErrDamaged
	}
	db, err := store.Open(ctx, q.cfg.store())
	if err != nil {
		return err
	}
	if mark == markCheck {
		err = store.Check(ctx, db)
	}
	if err == nil {
		q.w, err = newWriter(ctx, db, &q.cfg)
	}
	if err != nil {
		_ = db.Close() // the first error is the one to tell
		return err
	}
	q.db = db
	return nil
}
