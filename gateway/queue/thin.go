package queue

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"piway/gateway/pass"
)

// Thinning. A backlog that has waited for Config.ThinAfter is aggregated to windows of five minutes, and one of four
// times that to hours: closed passes that begin in one such window become one, with a report for each device, in one
// transaction. A pass of which anything was handed out is left alone, so the numbers of its datums stay what they are.
const (
	thinShort, thinLong = 5 * time.Minute, time.Hour
	thinLongFactor      = 4
	// thinPause is how long nothing is looked for where nothing was found.
	thinPause = time.Minute
	// thinReports bounds the work of one transaction; a single pass is thinned whatever it holds.
	thinReports = 20_000
	// thinTell is the least time between two lines in the log.
	thinTell = time.Hour
)

// thinning is the writer's state of it.
type thinning struct {
	candidates, rows, put *sql.Stmt

	next     time.Duration // monotonic, when to look again
	told     time.Duration
	from, to int // passes since then
}

// multiple is the first multiple of unit that is no less than d, in seconds.
func multiple(d, unit time.Duration) int64 {
	unit = max(unit, time.Second)
	return int64((d + unit - 1) / unit * unit / time.Second)
}

// thin does one group of passes, if there is one, in a transaction of its own. Next picks no pass meanwhile.
func (q *Queue) thin(ctx context.Context) {
	w := q.w
	t := &w.thinning
	if q.cfg.ThinAfter <= 0 || w.now.mono < t.next || q.disk.mend || !w.now.right {
		return
	}
	q.picking.Lock()
	defer q.picking.Unlock()
	var from int
	err := w.write(ctx, []op{{tx: func(ctx context.Context, w *writer) (err error) {
		from, err = w.thinGroup(ctx)
		return err
	}}})
	if err == nil && w.foldAndTell { // it may have closed passes too
		q.tellPasses()
	}
	switch {
	case err != nil:
		q.failed(err, 0)
		t.next = w.now.mono + thinPause
	case from == 0:
		t.next = w.now.mono + thinPause
		t.tell(q)
	default:
		t.from, t.to = t.from+from, t.to+1
		w.log.committed(w.now.mono)
	}
}

func (t *thinning) tell(q *Queue) {
	if t.to == 0 || (t.told > 0 && q.w.now.mono-t.told < thinTell) {
		return
	}
	q.cfg.Log.Info("backlog thinned to coarser windows", "windows", t.from, "now", t.to)
	t.told, t.from, t.to = q.w.now.mono, 0, 0
}

// thinGroup thins the oldest group of passes that is old enough. It returns how many there were, 0 for none.
func (w *writer) thinGroup(ctx context.Context) (int, error) {
	short := multiple(thinShort, w.cfg.Window)
	long := multiple(thinLong, time.Duration(short)*time.Second)
	for _, level := range []struct {
		window int64
		after  time.Duration
	}{{long, thinLongFactor * w.cfg.ThinAfter}, {short, w.cfg.ThinAfter}} {
		before := windowStart(w.now.wall.Add(-level.after), time.Duration(level.window)*time.Second)
		group, err := w.thinCandidates(ctx, before, level.window)
		if err != nil {
			return 0, fmt.Errorf("looking for passes: %w", err)
		}
		if len(group) == 0 {
			continue
		}
		if err := w.merge(ctx, group, level.window); err != nil {
			return 0, fmt.Errorf("thinning pass %d: %w", group[0].Start, err)
		}
		return len(group), nil
	}
	return 0, nil
}

// thinCandidates returns the oldest passes that begin in one window, end before the given time, are not yet thinned to
// it and of which nothing was handed out.
func (w *writer) thinCandidates(ctx context.Context, before, window int64) ([]pass.Pass, error) {
	rows, err := w.thinning.candidates.QueryContext(ctx, before, window)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	var group []pass.Pass
	var reports int64
	for rows.Next() {
		var p pass.Pass
		if err := rows.Scan(&p.Start, &p.First, &p.Last); err != nil {
			return nil, err
		}
		if w.bounds.inHand(p.Start) {
			continue
		}
		reports += p.Last - p.First + 1
		if len(group) > 0 && (p.Start/window != group[0].Start/window || reports > thinReports) {
			break
		}
		group = append(group, p)
	}
	return group, rows.Err()
}

// merge makes one pass of a group, with one report for each device, under the id of its first. What is closed is
// folded, so what was received is not to be counted from these rows.
func (w *writer) merge(ctx context.Context, group []pass.Pass, window int64) error {
	t := thinner{window: window, devices: map[string]*thinned{}}
	into := group[0]
	for _, p := range group {
		rows, err := w.thinning.rows.QueryContext(ctx, p.First, p.Last, p.Start)
		if err != nil {
			return err
		}
		if err := eachRow(rows, t.add); err != nil {
			return err
		}
		if _, err := w.deleteReports.ExecContext(ctx, p.First, p.Last, p.Start); err != nil {
			return err
		}
		if _, err := w.deletePass.ExecContext(ctx, p.Start); err != nil {
			return err
		}
	}
	into.First, into.Last = math.MaxInt64, 0
	newest := int64(0)
	for device, d := range t.devices {
		blob, err := d.blob()
		if err != nil {
			return err
		}
		into.First, into.Last = min(into.First, d.id), max(into.Last, d.id)
		newest = max(newest, d.newest)
		if _, err := w.insert.ExecContext(ctx, d.id, into.Start, device, "", 0, 0.0, "", 0.0, "", d.arrived, 0, 0.0, d.n, blob, 0.0, 0); err != nil {
			return err
		}
	}
	_, err := w.thinning.put.ExecContext(ctx, into.Start, into.First, into.Last, window, newest)
	return err
}
