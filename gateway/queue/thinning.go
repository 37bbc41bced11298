package queue

import (
	"context"
	"log/slog"
	"time"

	"piway/gateway/queue/thin"
)

const (
	// thinPause is how long nothing is looked for where nothing was found.
	thinPause = time.Minute
	// thinLog is the least time between two lines in the log.
	thinLog = time.Hour
)

// thinning is the writer's state of it.
type thinning struct {
	next     time.Duration // monotonic, when to look again
	logged   time.Duration
	from, to int // passes since then
}

// thin does one group of passes, if there is one, in a transaction of its own. Next picks no pass meanwhile.
func (q *Queue) thin(ctx context.Context) {
	w := q.w
	t := &w.thinning
	if q.cfg.ThinAfter <= 0 || w.now.mono < t.next || q.disk.Mending() || !w.now.right {
		return
	}
	var from int
	err := w.write(ctx, []op{{tx: func(ctx context.Context, w *writer) (err error) {
		from, err = w.thinGroup(ctx)
		return err
	}}})
	if err == nil && w.wakes { // it may have closed passes too
		q.wake()
	}
	switch {
	case err != nil:
		q.failed(err, 0)
		t.next = w.now.mono + thinPause
	case from == 0:
		t.next = w.now.mono + thinPause
		t.log(w.now.mono, q.cfg.Log)
	default:
		t.from, t.to = t.from+from, t.to+1
		w.wal.Committed(w.now.mono)
	}
}

// thinGroup thins the passes of one coarser window, and returns how many.
func (w *writer) thinGroup(ctx context.Context) (from int, err error) {
	w.stopPicks()
	from, err = thin.Group(ctx, w.conn, w.now.wall, w.cfg.Window, w.cfg.ThinAfter, w.inHand.Has, w.bounds.shares.Left)
	w.folds = w.folds || from > 0 // a row stands for another number of samples now
	return from, err
}

func (t *thinning) log(now time.Duration, log *slog.Logger) {
	if t.to == 0 || (t.logged > 0 && now-t.logged < thinLog) {
		return
	}
	log.Info("backlog thinned to coarser windows", "windows", t.from, "now", t.to)
	t.logged, t.from, t.to = now, 0, 0
}
