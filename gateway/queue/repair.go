package queue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"piway/gateway/queue/store"
)

// After a write or a sync that failed. The kernel marks pages clean that it could not write, and goes on showing them:
// a store that is closed and opened again would believe them, until they are gone. The connections that are open know
// better. Their index of the log ends at the last commit whose sync succeeded, and what is behind it is overwritten by
// the next. So they are kept, nothing is acknowledged, and the log is moved into the store's file, synced, and
// emptied; that reads only what is durable. Where it goes on failing, what the connections see is copied into a new
// file.
const (
	// copyAfter is how long emptying the log may fail before all is copied; copyAgain how long until that is tried
	// again.
	copyAfter = 10 * time.Second
	copyAgain = time.Minute
)

// errMoved ends Run when a copy of the store waits to take its place: see swap.
var errMoved = fmt.Errorf("%w: the store was copied into a new file", store.ErrDisk)

// repair makes the disk agree with what the connections know. It returns true when that is done.
func (q *Queue) repair(ctx context.Context) bool {
	d := &q.disk
	if d.kind != store.Astray {
		c, err := q.w.checkpoint(ctx, truncate)
		if d.mono() < d.copyAt {
			if err != nil || c.busy || !q.dropCopy() {
				return false
			}
			d.mend, q.w.log.tried = false, 0
			return true
		}
	}
	q.moveOut(ctx)
	return false
}

// prove commits something: that the log can be synced is known when it was. It returns false if it cannot.
func (q *Queue) prove(ctx context.Context) bool {
	err := q.write(ctx, []op{{tx: func(ctx context.Context, w *writer) error {
		_, err := w.putMeta.ExecContext(ctx, "fold", w.folded)
		return err
	}}})
	if err != nil {
		q.failed(err, 0)
		return false
	}
	if q.w.foldAndTell {
		q.tellPasses()
	}
	return true
}

// moveOut copies the store and ends Run, so that the copy takes its place.
func (q *Queue) moveOut(ctx context.Context) {
	d := &q.disk
	if d.mono() < d.copyAt {
		return
	}
	d.cfg.Log.Warn("copying the store into a new file", "file", d.cfg.Path)
	err := q.copyOut(ctx)
	d.copyAt = d.mono() + copyAgain
	switch {
	case err == nil:
		d.moved = true
		q.fail(errMoved)
	case store.TroubleOf(err, d.dir()) == store.Damaged || store.Unreadable(err): // it has to be read around what cannot be
		q.fail(fmt.Errorf("%w: %w", store.ErrDamaged, err))
	default:
		_ = clearNew(&q.cfg) // a part of it only takes room; tried again before the next
		d.cfg.Log.Error("copying the store failed, trying again", "err", err, "in", copyAgain)
	}
}

// dropCopy removes what was copied, so that it never takes the place of what is committed from now on. It returns true
// when that is durable.
func (q *Queue) dropCopy() bool {
	if !q.disk.copied {
		return true
	}
	err := clearNew(&q.cfg)
	if rerr := q.cfg.Files.Remove(q.cfg.Path + salvagedSuffix); !errors.Is(rerr, fs.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	if err = errors.Join(err, q.cfg.Files.SyncDir(q.disk.dir())); err != nil {
		return false
	}
	q.disk.copied = false
	return true
}

// leave copies what is open before Run ends, where its files are not those that the next start finds.
func (q *Queue) leave(ctx context.Context) {
	q.lookAround(ctx)
	if d := &q.disk; d.kind == store.Astray && !d.moved {
		d.copyAt = 0
		q.moveOut(ctx)
	}
}

// copyOut writes what the writer's connection sees to a new file that is going to take the store's place. It returns
// nil when that is durable; nothing may be committed to the old one then.
func (q *Queue) copyOut(ctx context.Context) error {
	stop := q.keepBeating()
	defer stop()
	q.disk.copied = true
	if err := clearNew(&q.cfg); err != nil {
		return err
	}
	path := q.cfg.Path + newSuffix
	f, err := q.cfg.Files.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if _, err := q.w.conn.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return fmt.Errorf("copying the store: %w", err)
	}
	return promote(&q.cfg)
}

// keepBeating shows that the writer moves while one thing takes it long, until stop is called.
func (q *Queue) keepBeating() (stop func()) {
	tick, ended := time.NewTicker(closeEvery), make(chan struct{})
	go func() {
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				q.beats()
			case <-ended:
				return
			}
		}
	}()
	return func() { close(ended) }
}
