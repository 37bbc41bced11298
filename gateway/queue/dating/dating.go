// Package dating dates again what came while the gateway's clock was not known to be right.
//
// A gateway that starts without a battery for its clock takes reports before it knows the time. Each keeps how long the
// machine had been running (CLOCK_BOOTTIME) and in which of its runs, the host. Once the clock is right, that says when
// they arrived, and with it what their samples' times have to be shifted by.
//
// Its promise: passes keep their names, and one of which something was sent is left as it is, since its numbers must go
// on meaning the same. A run that ended before its clock was right is dated by its own clock, unless that cannot have
// been right (before the newest time that was known to be, or after the next run began; where no right time was ever
// known, so old that it would be dropped); then it is taken to have ended when the next began.
package dating

import (
	"context"
	"fmt"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue/reports"
	"piway/gateway/queue/store"
	"piway/shared/sample"
)

// maxReports bounds what is dated again in one transaction; a single pass is done whole.
const maxReports = 4096

// sameTime is how little a clock that was not known to be right may have been off for its times to stay.
const sameTime = time.Second

// again is how often passes are looked for that could not be dated again, being sent just then.
const again = time.Minute

// Config says how reports are dated.
type Config struct {
	// BootID names this run of the machine; without it nothing can be dated later.
	BootID string
	// MaxAge is how old a run of which nothing is known may be.
	MaxAge time.Duration
	// Date returns what to add to the times of a report's samples, its arrival being right now; nil leaves that as it
	// is.
	Date func(r *sample.Report, arrived time.Time) (shift float64)
}

// A Dating is the state of it. One goroutine uses it.
type Dating struct {
	cfg     Config
	host    int64 // of this run of the machine, 0 as long as it has no row
	undated bool  // there are passes to be dated
	begun   bool  // with these:
	hosts   map[int64]*host
	next    time.Duration
}

// Load reads what there is to be dated.
func Load(ctx context.Context, from store.Reader, cfg Config) (*Dating, error) {
	d := &Dating{cfg: cfg}
	err := from.QueryRowContext(ctx, `SELECT (SELECT COALESCE(MAX(id), 0) FROM host WHERE boot=?),
		EXISTS (SELECT 1 FROM pass WHERE undated=1)`, cfg.BootID).Scan(&d.host, &d.undated)
	if err != nil {
		return nil, fmt.Errorf("reading what is to be dated: %w", err)
	}
	return d, nil
}

// Host returns the row of this run of the machine, which a report has that is to be dated later; 0 where that cannot
// be. right is the newest time, in Unix nanoseconds, that was known to be right.
func (d *Dating) Host(ctx context.Context, conn *store.Conn, right int64) (int64, error) {
	if d.cfg.BootID == "" {
		return 0, nil
	}
	d.undated = true
	if d.host > 0 {
		return d.host, nil
	}
	if _, err := conn.ExecContext(ctx, "INSERT INTO host (boot, after) VALUES (?,?)", d.cfg.BootID, right); err != nil {
		return 0, fmt.Errorf("keeping the run of this machine: %w", err)
	}
	d.begun = false // what is known of the runs is to be read again
	err := conn.QueryRowContext(ctx, "SELECT MAX(id) FROM host WHERE boot=?", d.cfg.BootID).Scan(&d.host)
	return d.host, err
}

// Due reports whether there may be something to date, the clock being right.
func (d *Dating) Due(mono time.Duration) bool { return d.undated && mono >= d.next }

// A Dated is a pass that was dated again.
type Dated struct {
	Start   int64
	Newest  int64          // of its samples, Unix seconds
	Shifted map[string]int // samples by device, of which the times are corrected and were not
}

// Again dates passes of which nothing was handed out, some in each transaction. A pass is one that free returns true
// of; it completes what the disk says of the reports of an open one.
func (d *Dating) Again(
	ctx context.Context, conn *store.Conn, now time.Time, mono time.Duration, free func(*pass.Pass) bool,
) (dated []Dated, err error) {
	if !d.begun {
		if err := d.loadHosts(ctx, conn, now, mono); err != nil {
			return nil, fmt.Errorf("dating again: %w", err)
		}
		d.begun = true
	}
	group, all, err := undated(ctx, conn, free)
	if err != nil {
		return nil, fmt.Errorf("dating again: %w", err)
	}
	for _, p := range group {
		one, err := d.date(ctx, conn, p)
		if err != nil {
			return nil, fmt.Errorf("dating pass %d again: %w", p.Start, err)
		}
		dated = append(dated, one)
	}
	if len(group) > 0 {
		return dated, nil
	}
	d.undated, d.begun, d.next = all > 0, false, mono+again
	if all == 0 { // no report speaks of a run any more
		d.host = 0
		_, err = conn.ExecContext(ctx, "DELETE FROM host")
	}
	return nil, err
}

// undated returns the next passes that can be dated, and how many there are in all.
func undated(ctx context.Context, conn *store.Conn, free func(*pass.Pass) bool) (next []pass.Pass, all int, err error) {
	var p pass.Pass
	var begun bool
	n := int64(0)
	rows, err := conn.QueryContext(ctx,
		"SELECT start, first, last, next>0 OR closed=2 FROM pass WHERE undated=1 ORDER BY start")
	err = store.Each(rows, err, func() error {
		all++
		if one := p; !begun && n <= maxReports && free(&one) {
			n += one.Last - one.First + 1
			next = append(next, one)
		}
		return nil
	}, &p.Start, &p.First, &p.Last, &begun)
	return next, all, err
}

// A change is what dating again makes of a report.
type change struct {
	id, arrived int64
	shift       float64
}

// date gives the reports of a pass the times that they have by what is known now.
func (d *Dating) date(ctx context.Context, conn *store.Conn, p pass.Pass) (Dated, error) {
	dated := Dated{Start: p.Start, Shifted: map[string]int{}}
	var changes []change
	var r row
	rows, err := conn.QueryContext(ctx, `SELECT id, device, sent, sent_uptime, boot, uptime, clock, arrived, mono, shift,
		samples, host FROM report WHERE id BETWEEN ? AND ? AND pass=? ORDER BY id`, p.First, p.Last, p.Start)
	if err := store.Each(rows, err, func() (err error) {
		if r.Samples, err = sample.DecodeSamples(r.blob); err != nil {
			return fmt.Errorf("%w: %w", store.ErrDamaged, err)
		}
		at, shift := time.Unix(0, r.arrived), r.shift
		if r.host > 0 {
			at, shift = d.judge(&r)
			changes = append(changes, change{r.id, at.UnixNano(), shift})
			if r.shift == 0 && shift != 0 {
				dated.Shifted[r.Device] += len(r.Samples)
			}
		}
		dated.Newest = max(dated.Newest, reports.Newest(r.Samples, shift, at).Unix())
		return nil
	}, r.columns()...); err != nil {
		return dated, err
	}
	for _, c := range changes {
		if _, err := conn.ExecContext(ctx, "UPDATE report SET arrived=?, shift=?, host=0 WHERE id=?",
			c.arrived, c.shift, c.id); err != nil {
			return dated, err
		}
	}
	_, err = conn.ExecContext(ctx, "UPDATE pass SET newest=?, undated=0 WHERE start=?", dated.Newest, p.Start)
	return dated, err
}

// A row is a report of an undated pass.
type row struct {
	id, arrived, mono, host int64
	shift                   float64
	blob                    []byte
	sample.Report
}

func (r *row) columns() []any {
	return []any{
		&r.id, &r.Device, &r.Sent, &r.SentUptime, &r.Boot, &r.Uptime, &r.Clock, &r.arrived, &r.mono, &r.shift,
		&r.blob, &r.host,
	}
}

// judge returns when a report arrived, by what is known now, and the shift of its times.
func (d *Dating) judge(r *row) (at time.Time, shift float64) {
	at, shift = time.Unix(0, r.arrived), r.shift
	if h := d.hosts[r.host]; h != nil && h.known {
		if known := time.Unix(0, h.offset+r.mono); known.Sub(at).Abs() > sameTime {
			at = known
		}
	}
	if d.cfg.Date != nil {
		shift = d.cfg.Date(&r.Report, at)
	}
	return at, shift
}
