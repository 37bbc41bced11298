package queue

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue/store"
)

// passes are those that still take reports, and those that took some until just now.
type passes struct {
	open   map[int64]*openPass // by start
	recent []closing           // the last ones that closed, in that order
	last   int64               // the newest closed one when the store was read
}

type openPass struct {
	first, last int64         // report ids
	leased      int64         // what the disk says of last
	newest      int64         // of its samples, Unix seconds
	undated     bool          // some came by a clock that was not known to be right
	since       time.Duration // monotonic, of its first report
	dirty       bool
}

// lease is how many ids the disk gives an open pass beyond its last: so the row of a pass is written when it is new,
// when that many have come, and when it closes, and not with each report.
const lease = 4096

// A closing is when a pass closed, by the monotonic clock.
type closing struct {
	start int64
	at    time.Duration
}

// recently reports whether a pass of that name closed a moment ago: it may be gone from the disk and still be in hand.
func (p *passes) recently(start int64) bool {
	return slices.ContainsFunc(p.recent, func(c closing) bool { return c.start == start })
}

// put books a report in the pass that is named start.
func (p *passes) put(start, id int64, newest time.Time, undated bool, mono time.Duration) {
	o := p.open[start]
	if o == nil {
		o = &openPass{first: id, since: mono}
		p.open[start] = o
	}
	o.last = id
	o.dirty = o.dirty || id > o.leased || undated && !o.undated
	o.newest, o.undated = max(o.newest, newest.Unix()), o.undated || undated
}

// passFor names the pass of a report whose newest sample is at newest: that sample's window, clamped to the windows of
// which the grace has not passed. What comes later than that goes with the window of arrival.
//
// A clock that was set back, or windows that were configured longer, would name a pass that is closed. Only that a
// name is not used twice matters: the report then goes into the next number behind all that are there. A clock that
// was ahead for once names a pass of the future, and nothing after it.
func (w *writer) passFor(ctx context.Context, newest time.Time) (int64, error) {
	now, p := w.now.wall, &w.passes
	hi := pass.Window(now, w.cfg.Window)
	for _, start := range []int64{pass.Clamp(newest, now, w.cfg.Window, w.cfg.Grace), hi} {
		if p.open[start] != nil {
			return start, nil
		}
		taken, err := w.taken(ctx, start)
		if err != nil || !taken {
			return start, err
		}
	}
	last := hi
	for _, c := range p.recent {
		last = max(last, c.start)
	}
	for start := range p.open {
		if start > hi {
			return start, nil
		}
	}
	var there int64
	if err := w.conn.QueryRowContext(ctx, "SELECT COALESCE(MAX(start), 0) FROM pass").Scan(&there); err != nil {
		return 0, fmt.Errorf("naming a pass: %w", err)
	}
	return max(last, there) + 1, nil
}

// taken reports whether the name was that of another pass, as far as that still matters.
func (w *writer) taken(ctx context.Context, start int64) (bool, error) {
	if w.passes.recently(start) || w.inHand.Has(start) {
		return true, nil
	}
	var n int
	if err := w.conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM pass WHERE start=?", start).Scan(&n); err != nil {
		return false, fmt.Errorf("naming a pass: %w", err)
	}
	return n > 0, nil
}

// over reports whether a pass takes no more reports: its grace has passed by the wall clock, or it has been open for
// as long as that ever takes, which holds when the wall clock is set back.
func (o *openPass) over(start int64, now time.Time, mono, window, grace time.Duration) bool {
	return !now.Before(time.Unix(start, 0).Add(window+grace)) || mono-o.since >= window+grace
}

// due reports whether any pass is over.
func (p *passes) due(now time.Time, mono, window, grace time.Duration) bool {
	for start, o := range p.open {
		if o.over(start, now, mono, window, grace) {
			return true
		}
	}
	return false
}

// due reports whether there is anything to do though nothing has arrived.
func (w *writer) due() bool {
	return w.passes.due(w.now.wall, w.now.mono, w.cfg.Window, w.cfg.Grace) || w.ageDue() || w.redateDue()
}

// nearlyDue reports whether a pass closes so soon that what waits for company must be stored now.
func (w *writer) nearlyDue() bool {
	return w.passes.due(w.now.wall.Add(beforeClosing), w.now.mono+beforeClosing, w.cfg.Window, w.cfg.Grace)
}

// closeDue closes the passes that are over, the oldest first.
func (w *writer) closeDue(ctx context.Context) error {
	p := &w.passes
	for _, start := range slices.Sorted(maps.Keys(p.open)) {
		if !p.open[start].over(start, w.now.wall, w.now.mono, w.cfg.Window, w.cfg.Grace) {
			continue
		}
		o := p.open[start]
		if _, err := w.conn.ExecContext(ctx, "UPDATE pass SET closed=1, last=?, newest=? WHERE start=?",
			o.last, o.newest, start); err != nil {
			return fmt.Errorf("closing pass %d: %w", start, err)
		}
		delete(p.open, start)
		p.recent = append(p.recent, closing{start, w.now.mono})
		w.wakes = true
		w.folds = w.folds || w.now.mono-w.folded >= w.cfg.Window // no other work has done it: nothing is sent
	}
	return nil
}

// keepRecent is how many closings are remembered: those of the last windows, whatever is sent in them.
const keepRecent = 8

// forget bounds what is known of passes that closed.
func (p *passes) forget() {
	p.recent = p.recent[max(0, len(p.recent)-keepRecent):]
}

// putPasses writes the passes of which the disk does not say enough.
func (w *writer) putPasses(ctx context.Context) error {
	for start, o := range w.passes.open {
		if !o.dirty {
			continue
		}
		if _, err := w.conn.ExecContext(ctx, `INSERT INTO pass (start,first,last,newest,undated) VALUES (?1,?2,?3,?4,?5)
			ON CONFLICT DO UPDATE SET first=?2, last=?3, newest=?4, undated=?5`,
			start, o.first, o.last+lease, o.newest, o.undated); err != nil {
			return fmt.Errorf("writing pass %d: %w", start, err)
		}
		o.leased = o.last + lease
		o.dirty = false
	}
	return nil
}

func (w *writer) loadPasses(ctx context.Context) error {
	w.passes.open = map[int64]*openPass{}
	var start int64
	var o openPass
	rows, err := w.conn.QueryContext(ctx, `SELECT start, first, last, newest, undated, COALESCE((SELECT id FROM report
		WHERE id BETWEEN first AND last AND pass=start ORDER BY id DESC LIMIT 1), first) FROM pass WHERE closed=0`)
	if err := store.Each(rows, err, func() error {
		one := o
		one.since = w.now.mono
		w.passes.open[start] = &one
		return nil
	}, &start, &o.first, &o.leased, &o.newest, &o.undated, &o.last); err != nil {
		return fmt.Errorf("reading passes: %w", err)
	}
	last := w.conn.QueryRowContext(ctx, "SELECT COALESCE(MAX(start), 0) FROM pass WHERE closed>0")
	if err := last.Scan(&w.passes.last); err != nil {
		return fmt.Errorf("reading passes: %w", err)
	}
	return nil
}
