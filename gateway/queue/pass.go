package queue

import (
	"context"
	"fmt"
	"time"
)

// passes are those that still take reports.
type passes struct {
	open       map[int64]*openPass // by start
	lastClosed int64
}

type openPass struct {
	first, last int64         // report ids
	since       time.Duration // monotonic, of its first report
	dirty       bool
}

// of returns the pass for a report of which the newest sample is at newest: that sample's window, clamped to
// [the oldest pass still open, the window of arrival], and books the report there.
//
// A clock that was set back, or windows that were configured longer, would name a pass that is closed already. Only
// the order of passes matters, so the report then goes into the next number after the last closed one.
func (p *passes) of(newest, now time.Time, mono, window, grace time.Duration, id int64) int64 {
	hi := windowStart(now, window)
	lo := windowStart(now.Add(-grace), window) // the previous window, while its grace lasts
	if lo <= p.lastClosed {
		lo = p.lastClosed + 1
		if w := windowStart(time.Unix(p.lastClosed, 0).Add(window), window); w <= hi {
			lo = w
		}
	}
	start := max(lo, min(hi, windowStart(newest, window)))
	o := p.open[start]
	if o == nil {
		o = &openPass{first: id, since: mono}
		p.open[start] = o
	}
	o.last, o.dirty = id, true
	return start
}

// windowStart is the start of the window that holds t, in Unix seconds. Windows are whole seconds long.
func windowStart(t time.Time, window time.Duration) int64 {
	w := max(int64(window/time.Second), 1)
	s := t.Unix()
	return s - ((s%w)+w)%w
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
	return w.passes.due(w.cfg.Now(), w.mono(), w.cfg.Window, w.cfg.Grace) || w.ageDue()
}

// closeDue closes the passes that are over, and with each those before it: the order of passes is the order of closing.
func (w *writer) closeDue(ctx context.Context) error {
	p := &w.passes
	newest := int64(-1)
	for start, o := range p.open {
		if start > newest && o.over(start, w.cfg.Now(), w.mono(), w.cfg.Window, w.cfg.Grace) {
			newest = start
		}
	}
	if newest < 0 {
		return nil
	}
	for start := range p.open {
		if start > newest {
			continue
		}
		if _, err := w.closePass.ExecContext(ctx, start); err != nil {
			return fmt.Errorf("closing pass %d: %w", start, err)
		}
		delete(p.open, start)
	}
	p.lastClosed = max(p.lastClosed, newest)
	if _, err := w.putMeta.ExecContext(ctx, "last_closed", p.lastClosed); err != nil {
		return fmt.Errorf("closing pass %d: %w", newest, err)
	}
	w.closed = true
	return nil
}

// putPasses writes the passes that got reports in this transaction.
func (w *writer) putPasses(ctx context.Context) error {
	for start, o := range w.passes.open {
		if !o.dirty {
			continue
		}
		if _, err := w.putPass.ExecContext(ctx, start, o.first, o.last); err != nil {
			return fmt.Errorf("writing pass %d: %w", start, err)
		}
		o.dirty = false
	}
	return nil
}

func (w *writer) loadPasses(ctx context.Context) error {
	w.passes.open = map[int64]*openPass{}
	rows, err := w.conn.QueryContext(ctx, "SELECT start, first, last FROM pass WHERE closed=0")
	if err != nil {
		return fmt.Errorf("reading passes: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var start int64
		o := &openPass{since: w.mono()}
		if err := rows.Scan(&start, &o.first, &o.last); err != nil {
			return fmt.Errorf("reading passes: %w", err)
		}
		w.passes.open[start] = o
	}
	return rows.Err()
}
