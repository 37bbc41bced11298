// Package rollup reduces the samples of a pass to the datums that go to CloudWatch.
//
// Its promise: a pure function. The same samples in the same order under the same settings give the same datums in the
// same order, so that the number of a datum means the same after a restart. Every sample is in exactly one datum.
package rollup

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"time"

	"piway/shared/sample"
)

// A Reduction makes one value of those in a window.
type Reduction string

// The reductions. All keeps every sample as a datum of its own, at its own time.
const (
	Avg   Reduction = "avg"
	Min   Reduction = "min"
	Max   Reduction = "max"
	Sum   Reduction = "sum"
	Last  Reduction = "last"
	Count Reduction = "count"
	All   Reduction = "all"
)

// Reductions lists them, for messages.
var Reductions = []Reduction{Avg, Min, Max, Sum, Last, Count, All}

// A Rule says how the metrics are reduced whose name matches.
type Rule struct {
	// Match is a pattern as in path.Match, against the whole metric name as sent to the cloud; / is not special.
	Match string
	// Reduce what matches so.
	Reduce Reduction
}

// Settings are all that the result depends on beside the samples.
type Settings struct {
	// Window is the length of a datum's window: whole seconds, aligned to multiples of it since 1970.
	Window time.Duration
	// Rules in order; the first match counts, Avg if there is none.
	Rules []Rule
}

// Version is part of a pass's fingerprint: change it with anything here that changes the datums or their order.
const Version = 1

// A Datum is one point of a metric.
type Datum struct {
	Device string
	Name   string
	Unit   string
	Value  float64
	// Time is the start of the window, or the sample's own time under All; Unix seconds.
	Time int64
	// Samples is how many went into it.
	Samples int
}

type key struct {
	device, name, unit string
	window             int64
}

type cell struct {
	reduce                   Reduction
	sum, min, max, last, lat float64 // lat: time of last
	n                        int
}

// A Rollup gathers the samples of one pass. Make one with New.
type Rollup struct {
	set     Settings
	cells   map[key]*cell
	all     []Datum
	reduces map[string]Reduction // by name, as matched before
}

// New returns an empty rollup.
func New(set Settings) *Rollup {
	return &Rollup{set: set, cells: map[key]*cell{}, reduces: map[string]Reduction{}}
}

// Add takes the samples of one device. Their times are the corrected ones, in Unix seconds.
func (r *Rollup) Add(device string, samples []sample.Sample) {
	for _, s := range samples {
		reduce := r.reduction(s.Name)
		if reduce == All {
			r.all = append(r.all, Datum{Device: device, Name: s.Name, Unit: s.Unit, Value: s.Value, Time: int64(s.Time), Samples: 1})
			continue
		}
		k := key{device, s.Name, s.Unit, r.window(s.Time)}
		c := r.cells[k]
		if c == nil {
			c = &cell{reduce: reduce, min: s.Value, max: s.Value, last: s.Value, lat: s.Time}
			r.cells[k] = c
		}
		c.add(s)
	}
}

func (c *cell) add(s sample.Sample) {
	c.n++
	c.sum += s.Value
	c.min = min(c.min, s.Value)
	c.max = max(c.max, s.Value)
	if s.Time >= c.lat {
		c.last, c.lat = s.Value, s.Time
	}
}

func (c *cell) value() float64 {
	switch c.reduce {
	case Min:
		return c.min
	case Max:
		return c.max
	case Sum:
		return c.sum
	case Last:
		return c.last
	case Count:
		return float64(c.n)
	default:
		// The mean lies between the extremes; rounding may not say otherwise.
		return min(max(c.sum/float64(c.n), c.min), c.max)
	}
}

func (r *Rollup) window(t float64) int64 {
	w := max(int64(r.set.Window/time.Second), 1)
	s := int64(t)
	return s - ((s%w)+w)%w
}

func (r *Rollup) reduction(name string) Reduction {
	if red, ok := r.reduces[name]; ok {
		return red
	}
	red := Avg
	for _, rule := range r.set.Rules {
		if Matches(rule.Match, name) {
			red = rule.Reduce
			break
		}
	}
	r.reduces[name] = red
	return red
}

// Datums returns what has been gathered: by time, then device, name, unit; under All, in order of arrival within those.
func (r *Rollup) Datums() []Datum {
	datums := slices.Clone(r.all)
	for k, c := range r.cells {
		datums = append(datums, Datum{Device: k.device, Name: k.name, Unit: k.unit, Value: c.value(), Time: k.window, Samples: c.n})
	}
	slices.SortStableFunc(datums, func(a, b Datum) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Unit, b.Unit))
	})
	return datums
}

// slash stands for '/' in names and patterns, which path.Match would treat as a separator.
const slash = '\x01'

// Matches reports whether a metric name matches a pattern. An invalid pattern matches nothing; see CheckPattern.
func Matches(pattern, name string) bool {
	ok, err := path.Match(plain(pattern), plain(name))
	return err == nil && ok
}

// CheckPattern returns an error for a pattern that can never match.
func CheckPattern(pattern string) error {
	if _, err := path.Match(plain(pattern), ""); err != nil {
		return fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return nil
}

func plain(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c == '/' {
			b[i] = slash
		}
	}
	return string(b)
}
