package queue

import (
	"context"
	"database/sql"
	"fmt"
)

// check reads all of the store and returns ErrDamaged if its structure is not sound. It does not see a changed value.
func check(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, verdict)
	}
	return nil
}

// openStore opens the store, or what can be salvaged of it.
func (q *Queue) openStore(ctx context.Context) error {
	path := q.cfg.Path
	aside, err := swap(&q.cfg)
	if err != nil {
		return err
	}
	if aside != "" {
		q.cfg.Log.Warn("a copy takes the store's place, what was there is set aside", "aside", aside)
	}
	_ = clearNew(&q.cfg) // a copy that was not finished only takes room
	mark, failed := readMark(path)
	err = q.tryOpen(ctx, mark)
	if troubleOf(err, q.disk.dir()) == diskFull && q.disk.ballast.free() {
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
	q.disk.ballast.free()
	if serr := replace(ctx, &q.cfg, err); serr != nil {
		return fmt.Errorf("%w (and salvaging: %w)", err, serr)
	}
	if err := unmark(path, mark); err != nil {
		return err
	}
	return q.tryOpen(ctx, "")
}

// mayPass returns what to tell of an error that is no reason to salvage, nil for one that is. failed is how often the store
// could not be read before: that this lasts, and is the store's and not all of the disk's, is no passing error any more.
func (q *Queue) mayPass(err error, failed int) error {
	switch troubleOf(err, q.disk.dir()) { //nolint:exhaustive // the others are not to be salvaged
	case damaged, unknown:
		return nil
	case failing:
		if !unreadable(err) {
			return fmt.Errorf("%w: %w", ErrDisk, err)
		}
		failed++
		setMark(q.cfg.Path, fmt.Sprint(markCheck, " ", failed))
		if failed < salvageAfter || tryWrite(q.disk.dir()) != nil {
			return fmt.Errorf("%w: %w", ErrDisk, err)
		}
		return nil
	default:
		return err
	}
}

func (q *Queue) tryOpen(ctx context.Context, mark string) error {
	if mark == markSalvage {
		return ErrDamaged
	}
	db, err := openDB(ctx, &q.cfg)
	if err != nil {
		return err
	}
	if mark == markCheck {
		err = check(ctx, db)
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
