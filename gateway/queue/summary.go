package queue

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"piway/gateway/pass"
	"piway/shared/sample"
)

// thinnedRow is the form of a thinned report on disk: an object, where samples as received are an array.
type thinnedRow struct {
	Thinned []pass.Summary `json:"thinned"`
}

// decodeThinned reads the samples column of a thinned report, and refuses what thinning does not write.
func decodeThinned(blob []byte) ([]pass.Summary, error) {
	var row thinnedRow
	if err := json.Unmarshal(blob, &row); err != nil {
		return nil, fmt.Errorf("decoding thinned samples: %w", err)
	}
	for i := range row.Thinned {
		if s := &row.Thinned[i]; s.Name == "" || s.N < 1 || s.Min > s.Max || s.Last < s.Min || s.Last > s.Max {
			return nil, fmt.Errorf("decoding thinned samples: summary %d of %.60q is none of any samples", i, s.Name)
		}
	}
	return row.Thinned, nil
}

// summaryOf is a summary of one sample, at its corrected time.
func summaryOf(s *sample.Sample, at float64) pass.Summary {
	return pass.Summary{
		Name: s.Name, Unit: s.Unit, Time: at, N: 1, Sum: s.Value, Min: s.Value, Max: s.Value, Last: s.Value, LastTime: at,
	}
}

// A row is what is read of a report.
type row struct {
	device  string
	arrived int64
	shift   float64
	blob    sql.RawBytes
}

// summaries returns what a report holds, thinned before or not.
func (r *row) summaries() ([]pass.Summary, error) {
	if len(r.blob) > 0 && r.blob[0] == '{' {
		return decodeThinned(r.blob)
	}
	samples, err := sample.DecodeSamples(r.blob)
	if err != nil {
		return nil, err
	}
	all := make([]pass.Summary, len(samples))
	for i := range samples {
		all[i] = summaryOf(&samples[i], seconds(effective(samples[i].Time, r.shift, time.Unix(0, r.arrived))))
	}
	return all, nil
}

// A thinner gathers the reports of passes into one for each device.
type thinner struct {
	window  int64
	devices map[string]*thinned
}

// thinned is the one report of a device.
type thinned struct {
	id, arrived int64 // of its first report, of its last
	newest      int64 // of its samples, Unix seconds
	n           int
	cells       map[thinnedKey]*pass.Summary
}

type thinnedKey struct {
	name, unit string
	window     int64
}

// add takes one report; they come in the order of their ids.
func (t *thinner) add(id int64, r *row) error {
	all, err := r.summaries()
	if err != nil {
		return err
	}
	d := t.devices[r.device]
	if d == nil {
		d = &thinned{id: id, cells: map[thinnedKey]*pass.Summary{}}
		t.devices[r.device] = d
	}
	d.arrived = max(d.arrived, r.arrived)
	for i := range all {
		s := &all[i]
		d.n += s.N
		d.newest = max(d.newest, int64(s.LastTime))
		w := windowStart(time.Unix(int64(s.Time), 0), time.Duration(t.window)*time.Second)
		k := thinnedKey{s.Name, s.Unit, w}
		if c := d.cells[k]; c != nil {
			c.Add(s)
			continue
		}
		s.Time = float64(w)
		d.cells[k] = s
	}
	return nil
}

// blob is what goes into the column samples.
func (d *thinned) blob() ([]byte, error) {
	var r thinnedRow
	for _, s := range d.cells {
		r.Thinned = append(r.Thinned, *s)
	}
	slices.SortFunc(r.Thinned, func(a, b pass.Summary) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Unit, b.Unit))
	})
	return json.Marshal(r)
}

// EachThinned is Each for a pass with Thinned set.
func (q *Queue) EachThinned(ctx context.Context, p pass.Pass, f func(device string, all []pass.Summary) error) error {
	var own error
	err := q.eachThinned(ctx, p, func(device string, all []pass.Summary) error {
		own = f(device, all)
		return own
	})
	if own == nil {
		q.notice(err)
	}
	return err
}

func (q *Queue) eachThinned(ctx context.Context, p pass.Pass, f func(device string, all []pass.Summary) error) error {
	rows, err := q.db.QueryContext(q.reading, reportRows, p.First, p.Last, p.Start)
	if err != nil {
		return fmt.Errorf("reading pass %d: %w", p.Start, err)
	}
	return eachRow(rows, func(_ int64, r *row) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		all, err := r.summaries()
		if err != nil {
			return fmt.Errorf("reading pass %d: %w: %w", p.Start, ErrDamaged, err)
		}
		return f(r.device, all)
	})
}

const reportRows = "SELECT id, device, arrived, shift, samples FROM report WHERE id BETWEEN ? AND ? AND pass=? ORDER BY id"

func eachRow(rows *sql.Rows, f func(id int64, r *row) error) error {
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		var id int64
		var r row
		if err := rows.Scan(&id, &r.device, &r.arrived, &r.shift, &r.blob); err != nil {
			return err
		}
		if err := f(id, &r); err != nil {
			return err
		}
	}
	return rows.Err()
}
