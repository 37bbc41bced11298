package thin

import (
	"cmp"
	"slices"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue/reports"
)

// A merger gathers the reports of passes into one for each device.
type merger struct {
	window  int64 // seconds
	devices map[string]*thinned
}

// thinned is the one report of a device.
type thinned struct {
	id, arrived int64 // of its first report, of its last
	newest      int64 // of its samples, Unix seconds
	n           int
	reports     int64 // of which it is made, and the bytes that they took
	bytes       int64
	cells       map[cell]*pass.Summary
}

type cell struct {
	name, unit string
	window     int64
}

// add takes one report; they come in the order of their ids.
func (m *merger) add(r *reports.Row) error {
	all, err := r.Summaries()
	if err != nil {
		return err
	}
	d := m.devices[r.Device]
	if d == nil {
		d = &thinned{id: r.ID, cells: map[cell]*pass.Summary{}}
		m.devices[r.Device] = d
	}
	d.reports++
	d.bytes += r.Bytes()
	d.arrived = max(d.arrived, r.Arrived)
	for i := range all {
		s := &all[i]
		d.n += s.N
		d.newest = max(d.newest, int64(s.LastTime))
		w := pass.Window(time.Unix(int64(s.Time), 0), time.Duration(m.window)*time.Second)
		k := cell{s.Name, s.Unit, w}
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
	var all []pass.Summary
	for _, s := range d.cells {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b pass.Summary) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Unit, b.Unit))
	})
	return pass.EncodeSummaries(all)
}
