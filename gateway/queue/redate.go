package queue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"piway/gateway/queue/store"

	"piway/gateway/pass"
	"piway/gateway/queue/ledger"
	"piway/shared/sample"
)

// Dating again. A gateway that starts without a battery for its clock takes reports before it knows the time. Each
// keeps how long the machine had been running (CLOCK_BOOTTIME) and in which of its runs, the host. Once the clock is
// right, that says when they arrived, and with it what their samples' times have to be shifted by. Passes keep their
// names. A pass of which something was sent is left as it is, since its numbers must go on meaning the same.
//
// A run that ended before its clock was right is dated by its own clock, unless that cannot have been right: before
// the newest time that was known to be, or after the next run began; where no right time was ever known, so old that
// it would be dropped. Then the run is taken to have ended when the next began.

// maxRedated bounds the reports that are dated again in one transaction; a single pass is done whole.
const maxRedated = 4096

// sameTime is how little a clock that was not known to be right may have been off for its times to stay.
const sameTime = time.Second

// A host is a run of the gateway's machine.
type host struct {
	id    int64
	after int64 // the newest right time known when it began, Unix nanoseconds
	// offset is Unix nanoseconds less CLOCK_BOOTTIME; known says that it is to be used, else the clock's times stand.
	offset int64
	known  bool
}

// dating is the writer's state of it.
type dating struct {
	host     int64 // of this run, 0 as long as it has no row
	undated  bool  // there are passes to be dated
	redating bool  // it has begun, with these:
	hosts    []host
	right    int64 // the newest right time of arrival, Unix nanoseconds
	kept     int64 // of it on disk
	next     time.Duration
}

// redateEvery is how often passes are looked for that could not be dated again, being sent just then.
const redateEvery = time.Minute

// redateDue reports whether there may be something to date.
func (w *writer) redateDue() bool {
	return w.dating.undated && w.now.right && w.now.mono >= w.dating.next
}

// hostID returns the row of this run of the machine.
func (w *writer) hostID(ctx context.Context) (int64, error) {
	d := &w.dating
	if d.host > 0 {
		return d.host, nil
	}
	if _, err := w.putHost.ExecContext(ctx, w.cfg.BootID, d.right); err != nil {
		return 0, fmt.Errorf("keeping the run of this machine: %w", err)
	}
	d.redating = false // what is known of the runs is to be read again
	return d.host, w.getHost.QueryRowContext(ctx, w.cfg.BootID).Scan(&d.host)
}

// loadDating reads what there is to be dated.
func (w *writer) loadDating(ctx context.Context) error {
	w.dating = dating{}
	if err := w.conn.QueryRowContext(ctx, "SELECT n FROM meta WHERE key='right'").Scan(&w.dating.right); err != nil {
		return fmt.Errorf("reading meta right: %w", err)
	}
	w.dating.kept = w.dating.right
	if err := w.conn.QueryRowContext(ctx, "SELECT COALESCE(MAX(id), 0) FROM host WHERE boot=?", w.cfg.BootID).Scan(&w.dating.host); err != nil {
		return fmt.Errorf("reading the runs of this machine: %w", err)
	}
	if err := w.conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pass WHERE undated=1)").Scan(&w.dating.undated); err != nil {
		return fmt.Errorf("reading passes: %w", err)
	}
	return nil
}

// redate dates passes again of which nothing was handed out, some in each transaction.
func (w *writer) redate(ctx context.Context) error {
	d := &w.dating
	if !w.redateDue() {
		return nil
	}
	if !d.redating {
		if err := w.loadHosts(ctx); err != nil {
			return fmt.Errorf("dating again: %w", err)
		}
		d.redating = true
	}
	group, all, err := w.undatedPasses(ctx)
	if err != nil {
		return fmt.Errorf("dating again: %w", err)
	}
	for _, p := range group {
		if err := w.redatePass(ctx, p); err != nil {
			return fmt.Errorf("dating pass %d again: %w", p.Start, err)
		}
	}
	if len(group) > 0 {
		w.foldAndTell = true // what is shifted is counted, and those who wait look again
		return nil
	}
	d.undated, d.redating, d.next = all > 0, false, w.now.mono+redateEvery
	if all == 0 {
		return w.forgetHosts(ctx)
	}
	return nil
}

// undatedPasses returns the next passes that can be dated, and how many there are in all.
func (w *writer) undatedPasses(ctx context.Context) (group []pass.Pass, all int, err error) {
	rows, err := w.undated.QueryContext(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for n := int64(0); rows.Next(); {
		var p pass.Pass
		var begun bool
		if err := rows.Scan(&p.Start, &p.First, &p.Last, &begun); err != nil {
			return nil, 0, err
		}
		all++
		if o := w.passes.open[p.Start]; o != nil {
			p.First, p.Last = o.first, o.last
		}
		if begun || w.bounds.inHand(p.Start) || n > maxRedated {
			continue
		}
		n += p.Last - p.First + 1
		group = append(group, p)
	}
	return group, all, rows.Err()
}

// A dated report is what dating again makes of one.
type dated struct {
	id, arrived int64
	shift       float64
	device      string
	n           int
	moved       bool // its shift was 0, and no longer is
}

// redatePass gives the reports of a pass the times that they have by what is known now.
func (w *writer) redatePass(ctx context.Context, p pass.Pass) error {
	var changed []dated
	newest := int64(0)
	rows, err := w.undatedRows.QueryContext(ctx, p.First, p.Last, p.Start)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		r, at, err := w.redateRow(rows)
		if err != nil {
			return err
		}
		newest = max(newest, at.Unix())
		if r != nil {
			changed = append(changed, *r)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, r := range changed {
		if _, err := w.redateReport.ExecContext(ctx, r.arrived, r.shift, r.id); err != nil {
			return err
		}
		if r.moved {
			w.book(r.device, ledger.Shifted, "", r.n)
		}
	}
	if o := w.passes.open[p.Start]; o != nil {
		o.newest, o.undated, o.dirty = newest, false, true
	}
	_, err = w.datePass.ExecContext(ctx, newest, p.Start)
	return err
}

// redateRow returns what becomes of a row, nil if it stays, and the time of its newest sample.
func (w *writer) redateRow(rows interface{ Scan(...any) error }) (*dated, time.Time, error) {
	var e Entry
	var id, arrived, mono, from int64
	var n int
	var blob []byte
	if err := rows.Scan(&id, &e.Device, &e.Sent, &e.SentUptime, &e.Boot, &e.Uptime, &e.Clock, &arrived, &mono, &e.Shift, &n, &blob, &from); err != nil {
		return nil, time.Time{}, err
	}
	samples, err := sample.DecodeSamples(blob)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%w: %w", store.ErrDamaged, err)
	}
	e.Samples, e.Arrived = samples, time.Unix(0, arrived)
	if from == 0 {
		return nil, newestOf(&e), nil
	}
	before := e.Shift
	if h := w.hostOf(from); h != nil && h.known {
		if at := time.Unix(0, h.offset+mono); at.Sub(e.Arrived).Abs() > sameTime {
			e.Arrived = at
		}
	}
	if w.cfg.Date != nil {
		e.Shift = w.cfg.Date(&e)
	}
	return &dated{
		id: id, arrived: e.Arrived.UnixNano(), shift: e.Shift, device: e.Device, n: n, moved: before == 0 && e.Shift != 0,
	}, newestOf(&e), nil
}

func (w *writer) hostOf(id int64) *host {
	i := slices.IndexFunc(w.dating.hosts, func(h host) bool { return h.id == id })
	if i < 0 {
		return nil
	}
	return &w.dating.hosts[i]
}

// loadHosts works out when the runs of the machine began, the newest first.
func (w *writer) loadHosts(ctx context.Context) error {
	d := &w.dating
	d.hosts = nil
	rows, err := w.conn.QueryContext(ctx, "SELECT id, after FROM host ORDER BY id DESC")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var h host
		if err := rows.Scan(&h.id, &h.after); err != nil {
			return err
		}
		if h.after > w.now.wall.UnixNano() {
			h.after = 0 // what was called right was not
		}
		d.hosts = append(d.hosts, h)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	began := w.now.wall.Add(-w.now.mono).UnixNano() // of the run at hand, then of that before it, and so on
	for i := range d.hosts {
		h := &d.hosts[i]
		if h.id == d.host {
			h.offset, h.known = began, true
			continue
		}
		if err := w.dateHost(ctx, h, &began); err != nil {
			return err
		}
	}
	return nil
}

// dateHost works out the offset of an earlier run, of which the next began at the time given, and puts its own there.
func (w *writer) dateHost(ctx context.Context, h *host, began *int64) error {
	var n, mono, first, last int64
	err := w.conn.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(MAX(r.mono), 0), COALESCE(MIN(r.arrived), 0), COALESCE(MAX(r.arrived), 0)
		FROM pass p JOIN report r ON r.id BETWEEN p.first AND p.last AND r.pass=p.start WHERE p.undated=1 AND r.host=?`, h.id).Scan(&n, &mono, &first, &last)
	if err != nil || n == 0 {
		return err
	}
	oldest := keepSeen
	if w.cfg.MaxAge > 0 {
		oldest = min(oldest, w.cfg.MaxAge)
	}
	if first >= h.after && last <= *began && (h.after > 0 || w.now.wall.Sub(time.Unix(0, last)) <= oldest) {
		*began = min(*began, first) // its own clock may have been right
		return nil
	}
	h.offset, h.known = *began-mono, true
	*began = h.offset
	return nil
}

// forgetHosts takes the rows of runs off the disk that no report speaks of.
func (w *writer) forgetHosts(ctx context.Context) error {
	w.dating.host = 0
	_, err := w.conn.ExecContext(ctx, "DELETE FROM host")
	return err
}

// noteRight keeps the newest time of arrival by a clock that was right, in memory.
func (d *dating) noteRight(e *Entry) {
	if !e.Unsure {
		d.right = max(d.right, e.Arrived.UnixNano())
	}
}
