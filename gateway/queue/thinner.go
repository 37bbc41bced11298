package queue

import (
	"cmp"
	"slices"
	"time"

	"piway/gateway/pass"
)

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
	var all []pass.Summary
	for _, s := range d.cells {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b pass.Summary) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Unit, b.Unit))
	})
	return pass.EncodeSummaries(all)
}
