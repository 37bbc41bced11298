// Package thin aggregates a backlog that has waited for long, so that it takes less room and fewer messages.
//
// Its promise: closed passes of which nothing was handed out are merged: those that begin in one window of five
// minutes into one pass, and after four times as long those of an hour, with one row for each device, in one
// transaction a group. A row then holds a summary for each metric and window: number, sum, minimum, maximum, last
// value. The column `n` stays the number of samples, so the ledger does not notice. `pass.thinned` is the window that
// the rollup must use; it changes only while the position is 0 and the pass is in nobody's hand, so the numbers of its
// datums stay what they are. Where all values are sent, a summary gives up to 100 of them with the true minimum,
// maximum and average; percentiles are then approximate.
package thin

import (
	"context"
	"fmt"
	"math"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue/reports"
	"piway/gateway/queue/store"
)

const (
	short, long = 5 * time.Minute, time.Hour
	longFactor  = 4
	// maxReports bounds the work of one transaction; a single pass is thinned whatever it holds.
	maxReports = 20_000
)

// multiple is the first multiple of unit that is no less than d, in seconds.
func multiple(d, unit time.Duration) int64 {
	unit = max(unit, time.Second)
	return int64((d + unit - 1) / unit * unit / time.Second)
}

// Group thins the oldest group of passes that has waited for a time, of windows as given. now is by a clock that is
// right. It returns how many passes there were, 0 for none, and tells left how many reports and bytes less there are of
// each device.
func Group(
	ctx context.Context, conn *store.Conn, now time.Time, window, after time.Duration, inHand func(start int64) bool,
	left func(device string, reports, bytes int64),
) (int, error) {
	short := multiple(short, window)
	long := multiple(long, time.Duration(short)*time.Second)
	for _, level := range []struct {
		window int64
		after  time.Duration
	}{{long, longFactor * after}, {short, after}} {
		before := pass.Window(now.Add(-level.after), time.Duration(level.window)*time.Second)
		group, err := candidates(ctx, conn, before, level.window, inHand)
		if err != nil {
			return 0, fmt.Errorf("looking for passes: %w", err)
		}
		if len(group) == 0 {
			continue
		}
		if err := merge(ctx, conn, group, level.window, left); err != nil {
			return 0, fmt.Errorf("thinning pass %d: %w", group[0].Start, err)
		}
		return len(group), nil
	}
	return 0, nil
}

// candidates returns the oldest passes that begin in one window, end before the given time, are not yet thinned to it
// and of which nothing was handed out.
func candidates(
	ctx context.Context, conn *store.Conn, before, window int64, inHand func(start int64) bool,
) ([]pass.Pass, error) {
	var group []pass.Pass
	var p pass.Pass
	var n int64
	rows, err := conn.QueryContext(ctx, `SELECT start, first, last FROM pass
		WHERE newest<? AND thinned<? AND closed=1 AND next=0 AND parked='' AND undated=0 ORDER BY start`, before, window)
	err = store.Each(rows, err, func() error {
		if inHand(p.Start) {
			return nil
		}
		n += p.Last - p.First + 1
		if len(group) > 0 && (p.Start/window != group[0].Start/window || n > maxReports) {
			return store.ErrEnough
		}
		group = append(group, p)
		return nil
	}, &p.Start, &p.First, &p.Last)
	return group, err
}

// merge makes one pass of a group, with one report for each device, under the id of its first. What is closed is
// folded, so what was received is not to be counted from these rows.
func merge(
	ctx context.Context, conn *store.Conn, group []pass.Pass, window int64, left func(device string, reports, bytes int64),
) error {
	m := merger{window: window, devices: map[string]*thinned{}}
	into := group[0]
	for _, p := range group {
		if err := reports.Each(ctx, conn, p, m.add); err != nil {
			return err
		}
		if err := reports.Delete(ctx, conn, p); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, "DELETE FROM pass WHERE start=?", p.Start); err != nil {
			return err
		}
	}
	into.First, into.Last = math.MaxInt64, 0
	newest := int64(0)
	for device, d := range m.devices {
		blob, err := d.blob()
		if err != nil {
			return err
		}
		into.First, into.Last = min(into.First, d.id), max(into.Last, d.id)
		newest = max(newest, d.newest)
		if _, err := conn.ExecContext(ctx, `INSERT INTO report
			(id,pass,device,run,seq,sent,boot,uptime,clock,arrived,mono,shift,n,samples)
			VALUES (?,?,?,'',0,0.0,'',0.0,'',?,0,0.0,?,?)`, d.id, into.Start, device, d.arrived, d.n, blob); err != nil {
			return err
		}
		left(device, d.reports-1, d.bytes-int64(len(blob)+reports.Overhead))
	}
	_, err := conn.ExecContext(ctx, "INSERT INTO pass (start, first, last, closed, thinned, newest) VALUES (?,?,?,1,?,?)",
		into.Start, into.First, into.Last, window, newest)
	return err
}
