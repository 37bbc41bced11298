package page

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The tones of what is shown: also words in the page, since colour is not for everybody.
const (
	toneOK   = "ok"
	toneWarn = "warn"
	toneBad  = "bad"
)

// silence is how long nothing may arrive before the page says so: some windows of a minute.
const silence = 5 * time.Minute

// An index is the page of everything.
type index struct {
	*screen

	Metrics       metricPage
	Tiles         []tile
	Nav           []link
	Rules         list[Rule]
	Failures      list[Failure]
	Canaries      list[Failure] // that are as they should be
	Counters      []Counter
	Zeros         []Counter
	Notifications list[Notification]
	Connections   list[Connection]
	Logs          list[logGroup]
	EMFErrors     list[EMFError]
}

// A tile is a figure at the top of the page.
type tile struct{ Title, Value, Text, Href, Tone string }

type logGroup struct {
	LogGroup

	Shown list[LogEvent]
}

func (s *screen) index() index {
	var groups []logGroup
	for _, g := range s.View.Logs {
		groups = append(groups, logGroup{g, cut(s, g.Events)})
	}
	failures, canaries := split(s.View.Failures, func(f Failure) bool { return !f.Canary })
	counters, zeros := split(s.View.Counters, func(c Counter) bool { return c.Value != 0 })
	return index{
		screen: s, Metrics: s.metricPage(), Tiles: s.tiles(), Nav: s.nav(len(failures)), Rules: cut(s, s.View.Rules),
		Failures: cut(s, failures), Canaries: cut(s, canaries), Counters: counters, Zeros: zeros,
		Notifications: cut(s, s.View.Notifications), Connections: cut(s, s.View.Connections), Logs: cut(s, groups),
		EMFErrors: cut(s, s.View.EMF.Last),
	}
}

// split returns the elements that are so, and the others.
func split[T any](list []T, so func(T) bool) (yes, no []T) {
	for _, e := range list {
		if so(e) {
			yes = append(yes, e)
		} else {
			no = append(no, e)
		}
	}
	return yes, no
}

func (s *screen) nav(failures int) []link {
	v := s.View
	part := func(label string, n int) string { return label + " " + strconv.Itoa(n) }
	return []link{
		{Label: part("Metrics", len(v.Metrics)), Href: "#metrics"},
		{Label: part("Failures", failures), Href: "#failures"},
		{Label: part("Rules", len(v.Rules)), Href: "#rules"},
		{Label: "Quotas", Href: "#quotas"},
		{Label: "Counters", Href: "#counters"},
		{Label: "Bill", Href: "#bill"},
		{Label: part("Logs", len(v.Logs)), Href: "#logs"},
		{Label: part("Notifications", len(v.Notifications)), Href: "#notifications"},
		{Label: part("Connections", len(v.Connections)), Href: "#connections"},
		{Label: "Faults", Href: "#faults"},
	}
}

func (s *screen) tiles() []tile {
	tiles := []tile{s.dataTile(), s.connectionTile(), s.failureTile(), s.lossTile(), s.quotaTile(), s.billTile()}
	for _, f := range s.Faults() {
		if f.Active {
			tiles = append(tiles, tile{"Fault", f.Name, "for " + length(f.Until.Sub(s.ask.To)) + " more", "#faults", toneBad})
		}
	}
	return tiles
}

func (s *screen) dataTile() tile {
	t := tile{
		Title: "Data", Value: plural(len(s.View.Metrics), "metric", "metrics"), Href: "#metrics",
		Text: "nothing has arrived yet",
	}
	var newest time.Time
	for _, m := range s.View.Metrics {
		if m.Arrived.After(newest) {
			newest = m.Arrived
		}
	}
	if newest.IsZero() {
		return t
	}
	quiet := s.ask.To.Sub(newest)
	t.Tone, t.Text = toneOK, "newest datapoint "+ago(quiet)
	if quiet > silence {
		t.Tone, t.Text = toneWarn, "silent for "+length(quiet)
	}
	return t
}

// connectionTile counts a gateway once, which has connections of its own for feedback and checks.
func (s *screen) connectionTile() tile {
	var clients []string
	for _, c := range s.View.Connections {
		own := strings.TrimSuffix(strings.TrimSuffix(c.Client, "-feedback"), "-check")
		if own == c.Client || !slices.ContainsFunc(s.View.Connections, func(o Connection) bool { return o.Client == own }) {
			clients = append(clients, c.Client)
		}
	}
	t := tile{Title: "Connected", Value: plural(len(clients), "client", "clients"), Href: "#connections"}
	if len(clients) == 0 {
		t.Text = "nobody is connected"
		return t
	}
	t.Tone, t.Text = toneOK, shorten(clients[0], 40)
	if n := len(clients) - 1; n > 0 {
		t.Text += ", and " + count(n) + " more"
	}
	if n := len(s.View.Connections); n > len(clients) {
		t.Text += "; " + plural(n, "connection", "connections")
	}
	return t
}

func (s *screen) failureTile() tile {
	var matches, actions, sql, reports int64
	canaries := int64(0)
	for _, r := range s.View.Rules {
		matches, canaries = matches+r.TopicMatch, canaries+r.Canary
		actions, sql, reports = actions+r.Failure, sql+r.ParseError, reports+r.ErrorActionFailure
	}
	emf := s.View.EMF.ParsingErrors + s.View.EMF.ValidationErrors
	parts := []part{
		{actions, "failed actions"},
		{sql, "SQL errors"},
		{reports, "failed error actions"},
		{emf, "EMF errors"},
		{s.View.RuleNotFound, "RuleNotFound"},
		{s.View.NotSelected, "NotSelected"},
	}
	t := sumTile("Failed", "everything that matched was delivered", "#failures", parts)
	switch {
	case t.Tone == toneOK && matches == 0:
		t.Text, t.Tone = "no message has matched a rule yet", ""
	case t.Tone == toneOK && canaries > 0:
		t.Text += "; canary refused, as it should be"
	}
	return t
}

func (s *screen) lossTile() tile {
	var parts []part
	for _, c := range s.View.Counters {
		if c.Bad {
			parts = append(parts, part{c.Value, c.Name})
		}
	}
	return sumTile("Refused or lost", "nothing", "#counters", parts)
}

// A part is one of several counts that make a tile.
type part struct {
	n    int64
	what string
}

func sumTile(title, none, href string, parts []part) tile {
	t := tile{Title: title, Text: none, Href: href, Tone: toneOK}
	sum := int64(0)
	for _, p := range parts {
		if p.n == 0 {
			continue
		}
		if sum == 0 {
			t.Text = ""
		} else {
			t.Text += ", "
		}
		sum += p.n
		t.Text += p.what + ": " + count(p.n)
	}
	if t.Value = count(sum); sum > 0 {
		t.Tone = toneBad
	}
	return t
}

func (s *screen) quotaTile() tile {
	t := tile{Title: "Quotas", Value: "none hit", Href: "#quotas", Tone: toneOK}
	if len(s.View.Quotas) == 0 {
		t.Value, t.Tone = "not watched", ""
	}
	hit, most := 0, quota{}
	for _, q := range s.Quotas() {
		if q.Tone == toneBad {
			hit++
		}
		if q.Limit > 0 && (most.Limit == 0 || q.Seen/q.Limit > most.Seen/most.Limit) {
			most = q
		}
	}
	if most.Limit > 0 {
		t.Text = "highest: " + most.Name + ", " + most.Percent
	}
	if hit > 0 {
		t.Value, t.Tone = count(hit)+" hit", toneBad
	}
	return t
}

func (s *screen) billTile() tile {
	sum := s.Bill()
	t := tile{Title: "Would cost", Value: money(sum.Month, 2), Href: "#bill", Text: "a month, as in the last " +
		length(s.View.Bill.Covered) + "; " + money(sum.MonthFree, 2) + " with the free tier"}
	if len(s.View.Bill.Lines) == 0 {
		t.Value, t.Text = money(0, 2), "nothing was used"
	}
	return t
}
