package rollup

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"piway/gateway/pass"
	"piway/shared/sample"
)

// A Reduction makes one value of those in a window.
type Reduction string

// The reductions. All keeps every sample as a datum of its own, at its own time. Values keeps every value of a window,
// in datums of up to pass.MaxValues; only the emf form can send those. Both do so for up to MaxKept samples. None makes
// no value: what it is for stays on the LAN. What was stored before a rule said so is reduced as by default.
const (
	Avg    Reduction = "avg"
	Min    Reduction = "min"
	Max    Reduction = "max"
	Sum    Reduction = "sum"
	Last   Reduction = "last"
	Count  Reduction = "count"
	All    Reduction = "all"
	Values Reduction = "values"
	None   Reduction = "none"
)

// Reductions lists them, for messages.
var Reductions = []Reduction{Avg, Min, Max, Sum, Last, Count, All, Values, None}

// A Rule says how the metrics are reduced whose name matches.
type Rule struct {
	// Match is a pattern as in path.Match, against the whole metric name as sent to the cloud; / is not special. Where
	// the cloud gets the name without device and site, the pattern may match either.
	Match string
	// Reduce what matches so.
	Reduce Reduction
}

// names reports whether the rule means a metric by its name in full, and not only by wildcards.
func (r *Rule) names(base string) bool {
	return strings.Contains(strings.ReplaceAll(r.Match, `\`, ""), base)
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
const Version = 2

// A metric is what CloudWatch keeps apart.
type metric struct{ device, name, unit string }

// A series is what a metric's samples amount to so far.
type series struct {
	device string
	reduce Reduction
	cells  map[int64]*cell // by the start of the window
}

// A Rollup gathers the samples of one pass. It grows with metrics and windows, and with samples only up to its bounds.
// Make one with New.
type Rollup struct {
	set    Settings
	series map[metric]*series
	sizes  map[string]*size // by device
}

// New returns an empty rollup.
func New(set Settings) *Rollup {
	return &Rollup{set: set, series: map[metric]*series{}, sizes: map[string]*size{}}
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
	m := metric{device, s.Name, s.Unit}
	of := r.series[m]
	if of == nil {
		of = &series{device: device, reduce: r.match(m), cells: map[int64]*cell{}}
		r.series[m] = of
	}
	has := r.sizes[device]
	if has == nil {
		has = &size{}
		r.sizes[device] = has
	}
	w := windowOf(s.Time, r.window())
	c := of.cells[w]
	if c == nil {
		w = windowOf(s.Time, has.window(r.window()))
		c = of.cells[w]
	}
	if c == nil {
		c = &cell{Summary: s, of: of}
		c.Time = float64(w)
		of.cells[w] = c
		has.cells++
	} else {
		c.Add(&s)
	}
	c.keep(&s, has)
}

// window is the length of a window in seconds.
func (r *Rollup) window() int64 { return max(int64(r.set.Window/time.Second), 1) }

// windowOf is the start of the window of that length that holds t.
func windowOf(t float64, length int64) int64 {
	s := int64(t)
	return s - ((s%length)+length)%length
}

func (r *Rollup) match(m metric) Reduction {
	if rule := r.set.rule(m.name, m.device); rule != nil && rule.Reduce != None {
		return rule.Reduce
	}
	return cmp.Or(r.set.Default, Avg)
}

// rule returns the first that matches a metric, nil if none does.
func (s *Settings) rule(name, device string) *Rule {
	if len(s.Rules) == 0 {
		return nil
	}
	base := name
	if s.Base != nil {
		base = s.Base(name, device)
	}
	for i := range s.Rules {
		if r := &s.Rules[i]; Matches(r.Match, name) || Matches(r.Match, base) {
			return r
		}
	}
	return nil
}

// StaysLocal reports whether samples of a metric stay on the LAN: those whose rule says so, and of local ones all but
// those that a rule names, with their name before device and site are added in full. A wildcard alone names none: a
// rule from before a reading existed must not send it, which AWS would bill.
func (s *Settings) StaysLocal(name, base, device string, local bool) bool {
	rule := s.rule(name, device)
	if rule == nil {
		return local
	}
	return rule.Reduce == None || local && !rule.names(base)
}

// Datums returns what has been gathered, whose turn it is first; in a window, by time, name and unit, then by arrival.
// Under Values a metric and window is several datums where it has more than pass.MaxValues, in order of their values.
func (r *Rollup) Datums() []pass.Datum {
	var cells []*cell
	for _, of := range r.series {
		cells = slices.AppendSeq(cells, maps.Values(of.cells))
	}
	datums := make([]pass.Datum, 0, len(cells))
	for window := range windows(inTurn(cells)) {
		from := len(datums)
		for _, c := range window {
			datums = c.appendTo(datums)
		}
		slices.SortStableFunc(datums[from:], func(a, b pass.Datum) int { return cmp.Compare(a.Time, b.Time) }) // under All
	}
	return datums
}

// windows are the runs of cells that are of one device and window.
func windows(cells []*cell) iter.Seq[[]*cell] {
	return func(yield func([]*cell) bool) {
		for from, to := 0, 0; from < len(cells); from = to {
			for to = from + 1; to < len(cells) && cells[to].of.device == cells[from].of.device &&
				cells[to].Time == cells[from].Time; {
				to++
			}
			if !yield(cells[from:to]) {
				return
			}
		}
	}
}
