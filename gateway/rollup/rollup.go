// Package rollup reduces the samples of a pass to the datums that go to CloudWatch.
//
// Its promise: a pure function. The same samples in the same order under the same settings give the same datums in the
// same order, so that the number of a datum means the same after a restart. Every sample is in exactly one datum.
package rollup

import (
	"cmp"
	"slices"
	"time"

	"piway/gateway/pass"
	"piway/shared/sample"
)

// A Reduction makes one value of those in a window.
type Reduction string

// The reductions. All keeps every sample as a datum of its own, at its own time. Values keeps every value of a window,
// in datums of up to pass.MaxValues; only the emf form can send those.
const (
	Avg    Reduction = "avg"
	Min    Reduction = "min"
	Max    Reduction = "max"
	Sum    Reduction = "sum"
	Last   Reduction = "last"
	Count  Reduction = "count"
	All    Reduction = "all"
	Values Reduction = "values"
)

// Reductions lists them, for messages.
var Reductions = []Reduction{Avg, Min, Max, Sum, Last, Count, All, Values}

// A Rule says how the metrics are reduced whose name matches.
type Rule struct {
	// Match is a pattern as in path.Match, against the whole metric name as sent to the cloud; / is not special. Where
	// the cloud gets the name without device and site, the pattern may match either.
	Match string
	// Reduce what matches so.
	Reduce Reduction
}

// Settings are all that the result depends on beside the samples.
type Settings struct {
	// Window is the length of a datum's window: whole seconds, aligned to multiples of it since 1970.
	Window time.Duration
	// Rules in order; the first match counts.
	Rules []Rule
	// Default reduces what no rule matches; Avg if empty.
	Default Reduction
	// Base returns the name that the cloud gets, if that is not the sample's; may be nil.
	Base func(name, device string) string
}

// Version is part of a pass's fingerprint: change it with anything here that changes the datums or their order.
const Version = 1

type key struct {
	device, name, unit string
	window             int64
}

type metric struct{ device, name string }

// A Rollup gathers the samples of one pass. Make one with New.
type Rollup struct {
	set     Settings
	cells   map[key]*cell
	all     []pass.Datum
	reduces map[metric]Reduction // as matched before
}

// New returns an empty rollup.
func New(set Settings) *Rollup {
	return &Rollup{set: set, cells: map[key]*cell{}, reduces: map[metric]Reduction{}}
}

// Add takes the samples of one device. Their times are the corrected ones, in Unix seconds.
func (r *Rollup) Add(device string, samples []sample.Sample) {
	for i := range samples {
		r.AddSummary(device, pass.SummaryOf(&samples[i], samples[i].Time))
	}
}

// AddSummary takes what stands for samples of one device. It counts as each of them would, as far as that is still
// known: under All it is one datum with their average, under Values it is at most pass.MaxValues values.
func (r *Rollup) AddSummary(device string, s pass.Summary) {
	reduce := r.reduction(device, s.Name)
	if reduce == All {
		r.all = append(r.all, pass.Datum{Device: device, Name: s.Name, Unit: s.Unit, Value: s.Mean(), Time: int64(s.Time), Samples: s.N})
		return
	}
	k := key{device, s.Name, s.Unit, r.window(s.Time)}
	c := r.cells[k]
	if c == nil {
		c = &cell{reduce: reduce, Summary: s}
		r.cells[k] = c
	} else {
		c.Add(&s)
	}
	if reduce == Values {
		c.points = appendPoints(c.points, &s)
	}
}

func (r *Rollup) window(t float64) int64 {
	w := max(int64(r.set.Window/time.Second), 1)
	s := int64(t)
	return s - ((s%w)+w)%w
}

func (r *Rollup) reduction(device, name string) Reduction {
	m := metric{device, name}
	if red, ok := r.reduces[m]; ok {
		return red
	}
	red := r.match(m)
	r.reduces[m] = red
	return red
}

func (r *Rollup) match(m metric) Reduction {
	base := m.name
	if r.set.Base != nil {
		base = r.set.Base(m.name, m.device)
	}
	for _, rule := range r.set.Rules {
		if Matches(rule.Match, m.name) || Matches(rule.Match, base) {
			return rule.Reduce
		}
	}
	return cmp.Or(r.set.Default, Avg)
}

// Datums returns what has been gathered: by time, then device, name, unit; under All, in order of arrival within those;
// under Values, several of one key where there are more than pass.MaxValues, in order of their values.
func (r *Rollup) Datums() []pass.Datum {
	datums := slices.Clone(r.all)
	for k, c := range r.cells {
		datums = c.appendTo(datums, k)
	}
	slices.SortStableFunc(datums, func(a, b pass.Datum) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Unit, b.Unit))
	})
	return datums
}
