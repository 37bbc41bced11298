package page

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"time"
)

// The bounds of the lists: as a page opens, and after "show more".
const (
	fewRows, manyRows = 20, 1000
	textBound         = 2000 // bytes shown of a payload or a log message
)

// A screen is a View with the viewer's choices, laid out for the template.
type screen struct {
	View View

	choices choices
	ask     Ask
}

// A link is one of several choices, or a part of the page to go to.
type link struct {
	Label, Href string
	On          bool
}

// A list is the part of a list that is shown.
type list[T any] struct {
	Items  []T
	Hidden int
	More   string // the link that shows more of it; "" = it is shown
}

func cut[T any](s *screen, all []T) list[T] {
	most := fewRows
	l := list[T]{More: s.choices.with(func(c *choices) { c.more = true })}
	if s.choices.more {
		most, l.More = manyRows, ""
	}
	n := min(len(all), most)
	l.Items, l.Hidden = all[:n], len(all)-n
	return l
}

// Stamp is for the template: a time in the chosen zone.
func (s *screen) Stamp(t time.Time) stamp { return s.choices.stamp(s.ask.To, t) }

// minute is the time of a period, with the date if it is not today.
func (s *screen) minute(t time.Time) string {
	t = t.In(s.choices.zone)
	if s.ask.To.Sub(t) < day && t.Day() == s.ask.To.In(s.choices.zone).Day() {
		return t.Format("15:04")
	}
	return t.Format("2 Jan 15:04")
}

// Now is the time of the page.
func (s *screen) Now() stamp { return s.Stamp(s.ask.To) }

// Zone names the chosen zone.
func (s *screen) Zone() string { return zoneName(s.ask.To, s.choices.zone) }

// ZoneID is the zone as the form has it.
func (s *screen) ZoneID() string { return s.choices.zone.String() }

// Filter is the word that metrics must contain.
func (s *screen) Filter() string { return s.choices.filter }

// Path is the page that the forms of choices lead to.
func (s *screen) Path() string { return s.choices.path }

// Live says whether the page reads itself anew.
func (s *screen) Live() bool { return !s.choices.still }

// LiveLink switches that on or off.
func (s *screen) LiveLink() string {
	return s.choices.with(func(c *choices) { c.still = !c.still })
}

// Unfiltered is the link to all metrics.
func (s *screen) Unfiltered() string {
	return s.choices.with(func(c *choices) { c.filter, c.page = "", 1 }) + "#metrics"
}

// Home is the link to the page of all metrics.
func (s *screen) Home() string {
	return s.choices.with(func(c *choices) { c.path, c.metric = indexPath, "" })
}

// Hidden are the choices that a form must repeat, but for what it asks itself.
func (s *screen) Hidden(asked ...string) []Dimension {
	var out []Dimension
	q := s.choices.values()
	for key, values := range q {
		if slices.Contains(asked, key) {
			continue
		}
		for _, v := range values {
			out = append(out, Dimension{key, v})
		}
	}
	slices.SortStableFunc(out, func(a, b Dimension) int { return natural(a.Name, b.Name) })
	return out
}

// Ranges are the links to other times, Stats those to other statistics.
func (s *screen) Ranges() (out []link) {
	for i, r := range spans {
		out = append(out, link{r.label, s.choices.with(func(c *choices) { c.span = i }), i == s.choices.span})
	}
	return out
}

// Stats is explained at Ranges.
func (s *screen) Stats() (out []link) {
	for i, st := range statistics {
		out = append(out, link{st.name, s.choices.with(func(c *choices) { c.stat = i }), i == s.choices.stat})
	}
	return out
}

// Stat is the chosen statistic.
func (s *screen) Stat() string { return statistics[s.choices.stat].name }

// Period is the length of a period in words.
func (s *screen) Period() string {
	if s.ask.Period < time.Hour {
		return fmt.Sprintf("%d min", int(s.ask.Period.Minutes()))
	}
	return fmt.Sprintf("%d h", int(s.ask.Period.Hours()))
}

// A quota is a Quota with its bar, 100 wide.
type quota struct {
	Quota

	Width, Percent, Tone string
}

func bar(q Quota) quota {
	if q.Limit <= 0 {
		return quota{Quota: q}
	}
	part := q.Seen / q.Limit
	out := quota{
		Quota: q, Width: px(100 * max(0, min(part, 1))), Percent: fmt.Sprintf("%.0f %%", math.Floor(100*part)),
		Tone: toneOK,
	}
	switch {
	case part >= 1:
		out.Tone = toneBad
	case part >= 0.8:
		out.Tone = toneWarn
	}
	return out
}

// Quotas are the limits with their bars.
func (s *screen) Quotas() (out []quota) {
	for _, q := range s.View.Quotas {
		out = append(out, bar(q))
	}
	return out
}

// A fault is a Fault with what its forms need.
type fault struct {
	Fault

	Active bool
	Action string
}

// Faults are the faults with their forms.
func (s *screen) Faults() (out []fault) {
	for _, f := range s.View.Faults {
		out = append(out, fault{f, f.Until.After(s.ask.To), "/faults/" + url.PathEscape(f.Name)})
	}
	return out
}

// Here is the address of this page, for the forms of faults to come back to.
func (s *screen) Here() string { return s.choices.with(func(*choices) {}) }

// Guess says that the bill of a month comes from less than an hour, in which no hourly price can be seen.
func (s *screen) Guess() bool { return s.View.Bill.Covered < time.Hour }

// Bill is the sum of the bill's lines.
func (s *screen) Bill() BillLine {
	var sum BillLine
	for _, l := range s.View.Bill.Lines {
		sum.USD, sum.Month, sum.MonthFree = sum.USD+l.USD, sum.Month+l.Month, sum.MonthFree+l.MonthFree
	}
	return sum
}
