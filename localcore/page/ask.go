package page

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Ask is the time that the viewer wants to see, read from the query.
type Ask struct {
	// From is a whole number of periods and To is now.
	From, To time.Time
	Period   time.Duration
}

// A span is a range of time to choose, with the period that keeps its graph at some hundred points. CloudWatch keeps
// periods of 1 min for 15 days, of 5 min for 63 days and of 1 h for 15 months, so it has each of these.
type span struct {
	id, label      string
	length, period time.Duration
}

var spans = []span{
	{"15m", "15 min", 15 * time.Minute, time.Minute},
	{"1h", "1 h", time.Hour, time.Minute},
	{"3h", "3 h", 3 * time.Hour, time.Minute},
	{"6h", "6 h", 6 * time.Hour, 5 * time.Minute},
	{"24h", "24 h", 24 * time.Hour, 5 * time.Minute},
	{"14d", "14 d", 14 * 24 * time.Hour, time.Hour},
}

const (
	defaultSpan = 0   // 15 min
	maxText     = 200 // bytes of a filter or a zone's name
	refreshOff  = "off"
)

// A statistic is one of the figures of a Point.
type statistic struct {
	name string
	of   func(Point) float64
}

var statistics = []statistic{
	{"Average", func(p Point) float64 { return p.Average }},
	{"Minimum", func(p Point) float64 { return p.Minimum }},
	{"Maximum", func(p Point) float64 { return p.Maximum }},
	{"Sum", func(p Point) float64 { return p.Sum }},
	{"SampleCount", func(p Point) float64 { return p.SampleCount }},
}

// choices are what the viewer has chosen. They travel in the query of every link.
type choices struct {
	path   string
	metric string // the encoded key of the one metric to show; "" on the page of all
	span   int
	stat   int
	zone   *time.Location
	still  bool // no refreshing
	filter string
	page   int  // from 1
	more   bool // longer lists
}

// parse reads the query. Its errors name the parameter, the value and the fix.
func parse(u *url.URL) (choices, error) {
	q := u.Query()
	c := choices{
		path: u.Path, zone: time.Local, filter: q.Get("q"), still: q.Get("refresh") == refreshOff,
		more: q.Get("more") != "",
	}
	if u.Path == metricPath {
		c.metric = pickKey(q)
	}
	var err error
	if c.span, err = choose(q, "range", defaultSpan, names(spans, func(s span) string { return s.id })); err != nil {
		return c, err
	}
	if c.stat, err = choose(q, "stat", 0, names(statistics, func(s statistic) string { return s.name })); err != nil {
		return c, err
	}
	if c.page, err = pageNumber(q.Get("page")); err != nil {
		return c, err
	}
	if len(c.filter) > maxText {
		return c, fmt.Errorf("q: has %d bytes, try: at most %d", len(c.filter), maxText)
	}
	c.zone, err = parseZone(q.Get("tz"))
	return c, err
}

func choose(q url.Values, key string, none int, from []string) (int, error) {
	if !q.Has(key) {
		return none, nil
	}
	i := slices.Index(from, q.Get(key))
	if i < 0 {
		return none, fmt.Errorf("%s: unknown value %.40q, try: one of %s", key, q.Get(key), strings.Join(from, ", "))
	}
	return i, nil
}

// names are what the query calls the elements of a list.
func names[T any](list []T, name func(T) string) (out []string) {
	for _, e := range list {
		out = append(out, name(e))
	}
	return out
}

func pageNumber(s string) (int, error) {
	if s == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1_000_000 {
		return 1, fmt.Errorf("page: %.40q is no page, try: page=1", s)
	}
	return n, nil
}

func parseZone(name string) (*time.Location, error) {
	if name = strings.TrimSpace(name); name == "" {
		return time.Local, nil
	}
	if len(name) <= maxText {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	return time.UTC, fmt.Errorf("tz: unknown time zone %.40q, try: Local, UTC, or a name like Europe/Berlin", name)
}

// ask returns the time to show at now.
func (c choices) ask(now time.Time) Ask {
	s := spans[c.span]
	return Ask{From: now.Add(-s.length).Truncate(s.period), To: now, Period: s.period}
}

// values are the choices that differ from the defaults, as a query.
func (c choices) values() url.Values {
	q, err := url.ParseQuery(c.metric)
	if err != nil || q == nil {
		q = url.Values{} // metric was made by Encode
	}
	set := func(key, value string, differs bool) {
		if differs {
			q.Set(key, value)
		}
	}
	set("range", spans[c.span].id, c.span != defaultSpan)
	set("stat", statistics[c.stat].name, c.stat != 0)
	set("tz", c.zone.String(), c.zone != time.Local)
	set("refresh", refreshOff, c.still)
	set("q", c.filter, c.filter != "")
	set("page", strconv.Itoa(c.page), c.page > 1)
	set("more", "1", c.more)
	return q
}

// with is the link to the choices after a change.
func (c choices) with(change func(*choices)) string {
	change(&c)
	if q := c.values().Encode(); q != "" {
		return c.path + "?" + q
	}
	return c.path
}
