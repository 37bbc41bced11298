package dating

import (
	"context"
	"time"

	"piway/gateway/queue/seen"
	"piway/gateway/queue/store"
)

// A host is a run of the gateway's machine.
type host struct {
	id    int64
	after int64 // the newest right time known when it began, Unix nanoseconds
	// offset is Unix nanoseconds less CLOCK_BOOTTIME; known says that it is to be used, else the clock's times stand.
	offset int64
	known  bool
}

// loadHosts works out when the runs of the machine began.
func (d *Dating) loadHosts(ctx context.Context, conn *store.Conn, now time.Time, mono time.Duration) error {
	var newestFirst []host
	var h host
	rows, err := conn.QueryContext(ctx, "SELECT id, after FROM host ORDER BY id DESC")
	if err := store.Each(rows, err, func() error {
		if h.after > now.UnixNano() {
			h.after = 0 // what was called right was not
		}
		newestFirst = append(newestFirst, h)
		return nil
	}, &h.id, &h.after); err != nil {
		return err
	}
	d.hosts = map[int64]*host{}
	began := now.Add(-mono).UnixNano() // of the run at hand, then of that before it, and so on
	for i := range newestFirst {
		h := &newestFirst[i]
		d.hosts[h.id] = h
		if h.id == d.host {
			h.offset, h.known = began, true
			continue
		}
		if err := d.dateHost(ctx, conn, h, now, &began); err != nil {
			return err
		}
	}
	return nil
}

// dateHost works out the offset of an earlier run, of which the next began at the time given, and puts its own there.
func (d *Dating) dateHost(ctx context.Context, conn *store.Conn, h *host, now time.Time, began *int64) error {
	var n, mono, first, last int64
	err := conn.QueryRowContext(ctx, `SELECT
		COUNT(*), COALESCE(MAX(r.mono), 0), COALESCE(MIN(r.arrived), 0), COALESCE(MAX(r.arrived), 0)
		FROM pass p JOIN report r ON r.id BETWEEN p.first AND p.last AND r.pass=p.start
		WHERE p.undated=1 AND r.host=?`, h.id).Scan(&n, &mono, &first, &last)
	if err != nil || n == 0 {
		return err
	}
	oldest := seen.Keep
	if d.cfg.MaxAge > 0 {
		oldest = min(oldest, d.cfg.MaxAge)
	}
	if first >= h.after && last <= *began && (h.after > 0 || now.Sub(time.Unix(0, last)) <= oldest) {
		*began = min(*began, first) // its own clock may have been right
		return nil
	}
	h.offset, h.known = *began-mono, true
	*began = h.offset
	return nil
}
