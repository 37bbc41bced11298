package page

import (
	"cmp"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"
)

// graphsPerPage bounds the graphs of one page. It can be divided by 2, 3 and 4, the usual numbers of columns.
const graphsPerPage = 48

// A named Metric knows its device and what to call it beside its device.
type named struct {
	Metric

	device, short string
}

// name finds the device of a metric: its dimension, or else what stands in parentheses at the end of its name.
func name(m Metric) named {
	for _, d := range m.Dimensions {
		if strings.EqualFold(d.Name, "device") && d.Value != "" {
			return named{m, d.Value, m.Name}
		}
	}
	if open := strings.LastIndex(m.Name, "("); open > 0 && strings.HasSuffix(m.Name, ")") {
		device, short := m.Name[open+1:len(m.Name)-1], strings.TrimSpace(m.Name[:open])
		if device != "" && short != "" {
			return named{m, device, short}
		}
	}
	return named{m, "", m.Name}
}

// rest is what a metric has beside name, device and unit: its namespace and other dimensions.
func (m named) rest() string {
	parts := []string{m.Namespace}
	for _, d := range m.Dimensions {
		if !strings.EqualFold(d.Name, "device") {
			parts = append(parts, d.Name+"="+d.Value)
		}
	}
	return strings.Join(parts, " · ")
}

// key identifies a metric in a query.
func (m Metric) key() string {
	q := url.Values{"ns": {m.Namespace}, "name": {m.Name}, "unit": {m.Unit}}
	for _, d := range m.Dimensions {
		q["dn"], q["dv"] = append(q["dn"], d.Name), append(q["dv"], d.Value)
	}
	return q.Encode()
}

// pickKey returns the key that a query holds.
func pickKey(q url.Values) string {
	k := url.Values{}
	for _, p := range []string{"ns", "name", "unit", "dn", "dv"} {
		if q.Has(p) {
			k[p] = q[p]
		}
	}
	return k.Encode()
}

// matches says whether a word is in the metric's name, namespace or dimensions, whatever the case.
func (m Metric) matches(word string) bool {
	word = strings.ToLower(word)
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), word) }
	return has(m.Name) || has(m.Namespace) || slices.ContainsFunc(m.Dimensions,
		func(d Dimension) bool { return has(d.Value) })
}

// arrange picks what the filter lets through, by device and name. Metrics without a device come last.
func arrange(all []Metric, filter string) []named {
	var list []named
	for _, m := range all {
		if m.matches(filter) {
			list = append(list, name(m))
		}
	}
	slices.SortStableFunc(list, func(a, b named) int {
		if (a.device == "") != (b.device == "") {
			return cmp.Compare(b.device, a.device) // "" is the least
		}
		return cmp.Or(natural(a.device, b.device), natural(a.short, b.short), cmp.Compare(a.key(), b.key()))
	})
	return list
}

// natural compares texts with their numbers as numbers, so that pi2 comes before pi10.
func natural(a, b string) int {
	for a != "" && b != "" {
		an, bn := digits(a), digits(b)
		if an == 0 || bn == 0 {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		x, y := strings.TrimLeft(a[:an], "0"), strings.TrimLeft(b[:bn], "0")
		if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
			return c
		}
		a, b = a[an:], b[bn:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits counts the digits that a text begins with.
func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}

// A device's cards, under one heading.
type deviceGroup struct {
	Name, Href string
	Continued  bool // the heading was on the page before
	Cards      []card
}

// A card is a metric with its graph.
type card struct {
	Title, Full, Rest, Href string
	Value, Unit             string
	Newest                  string
	Arrived                 stamp
	Stale                   bool // the newest period is old
	Chart                   chart
}

// A metricPage is the part of all metrics that is shown at once.
type metricPage struct {
	Total, All int    // behind the filter, and without it
	Range      string // "1–48"
	Groups     []deviceGroup
	Previous   string // links; "" = none
	Next       string
	More       int // behind this page
}

func (s *screen) metricPage() metricPage {
	list := arrange(s.View.Metrics, s.choices.filter)
	p := metricPage{Total: len(list), All: len(s.View.Metrics)}
	pages := max(1, (len(list)+graphsPerPage-1)/graphsPerPage)
	number := min(s.choices.page, pages) // metrics may have gone since the link was made
	from := (number - 1) * graphsPerPage
	to := min(from+graphsPerPage, len(list))
	p.More = len(list) - to
	if len(list) > 0 {
		p.Range = fmt.Sprintf("%d–%d", from+1, to)
	}
	if number > 1 {
		p.Previous = s.choices.with(func(c *choices) { c.page = number - 1 }) + "#metrics"
	}
	if p.More > 0 {
		p.Next = s.choices.with(func(c *choices) { c.page = number + 1 }) + "#metrics"
	}
	for i, m := range list[from:to] {
		if i == 0 || m.device != list[from+i-1].device {
			p.Groups = append(p.Groups, deviceGroup{
				Name:      m.device,
				Href:      s.choices.with(func(c *choices) { c.filter, c.page = m.device, 1 }) + "#metrics",
				Continued: i == 0 && from > 0 && list[from-1].device == m.device,
			})
		}
		g := &p.Groups[len(p.Groups)-1]
		g.Cards = append(g.Cards, s.cardOf(m, m.read(), smallShape))
	}
	return p
}

func (m Metric) read() []Point {
	if m.Points == nil {
		return nil
	}
	return m.Points()
}

func (s *screen) cardOf(m named, points []Point, sh shape) card {
	stat := statistics[s.choices.stat]
	c := card{
		Title: m.short, Full: m.Name, Rest: m.rest(), Unit: unitName(m.Unit), Arrived: s.Stamp(m.Arrived),
		Href: s.metricLink(m.Metric),
	}
	label := fmt.Sprintf("%s, %s, %s", m.Name, stat.name, c.Unit)
	if len(points) > 0 {
		newest := points[len(points)-1]
		c.Value, c.Newest = number(stat.of(newest)), s.minute(newest.Start)
		c.Stale = s.ask.To.Sub(newest.Start) > max(3*s.ask.Period, 5*time.Minute)
		label += ", newest " + c.Value
	}
	c.Chart = draw(sh, series{points: points, stat: stat, ask: s.ask, zone: s.choices.zone, unit: m.Unit, label: label})
	return c
}

func (s *screen) metricLink(m Metric) string {
	return s.choices.with(func(c *choices) { c.path, c.metric, c.page = metricPath, m.key(), 1 })
}

// An enlarged metric is the page of one.
type enlarged struct {
	*screen

	Name, Device string
	Metric       Metric
	Wide, Narrow card
	Rows         list[Point]
	With, Of     int // periods with data, of all in the time shown
	Sum          Point
}

func (s *screen) enlarged(m named) enlarged {
	points := m.read()
	newestFirst := slices.Clone(points)
	slices.Reverse(newestFirst)
	return enlarged{
		screen: s, Name: m.Name, Device: m.device, Metric: m.Metric,
		Wide: s.cardOf(m, points, wideShape), Narrow: s.cardOf(m, points, narrowShape),
		Rows: cut(s, newestFirst), With: len(points), Of: int(s.ask.To.Sub(s.ask.From)/s.ask.Period) + 1, Sum: total(points),
	}
}

// total is what one period over all the points would show.
func total(points []Point) Point {
	t := Point{Minimum: math.Inf(1), Maximum: math.Inf(-1)}
	for _, p := range points {
		t.Minimum, t.Maximum = min(t.Minimum, p.Minimum), max(t.Maximum, p.Maximum)
		t.Sum, t.SampleCount = t.Sum+p.Sum, t.SampleCount+p.SampleCount
	}
	t.Average = t.Sum / t.SampleCount
	return t
}
