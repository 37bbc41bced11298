package page

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestName(t *testing.T) {
	device := func(name, value string) []Dimension { return []Dimension{{"site", "home"}, {name, value}} }
	for _, tt := range []struct {
		metric        Metric
		device, short string
	}{
		{Metric{Name: "cpu usage (kitchen)"}, "kitchen", "cpu usage"},
		{Metric{Name: "cpu (all) (kitchen)"}, "kitchen", "cpu (all)"},
		{Metric{Name: "cpu", Dimensions: device("device", "kitchen")}, "kitchen", "cpu"},
		{Metric{Name: "cpu (all)", Dimensions: device("Device", "kitchen")}, "kitchen", "cpu (all)"},
		{Metric{Name: "cpu", Dimensions: device("room", "kitchen")}, "", "cpu"},
		{Metric{Name: "cpu ()"}, "", "cpu ()"},
		{Metric{Name: "(kitchen)"}, "", "(kitchen)"},
		{Metric{Name: " (kitchen)"}, "", " (kitchen)"},
		{Metric{Name: "cpu (kitchen"}, "", "cpu (kitchen"},
		{Metric{}, "", ""},
	} {
		if got := name(tt.metric); got.device != tt.device || got.short != tt.short {
			t.Errorf("%q %v: got %q of %q, want %q of %q", tt.metric.Name, tt.metric.Dimensions, got.short, got.device, tt.short,
				tt.device)
		}
	}
}

func TestArrange(t *testing.T) {
	var got []string
	for _, m := range arrange([]Metric{
		{Name: "lonely"},
		{Name: "cpu (pi10)"},
		{Name: "disk (pi2)"},
		{Name: "cpu (pi2)"},
		{Name: "cpu (pi02b)"},
		{Name: "cpu (attic)"},
		{Name: "cpu (pi2)", Unit: "Percent"},
	}, "") {
		got = append(got, strings.TrimSpace(m.device+" "+m.short+" "+m.Unit))
	}
	want := []string{"attic cpu", "pi2 cpu", "pi2 cpu Percent", "pi2 disk", "pi02b cpu", "pi10 cpu", "lonely"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// A metric is found again by its link, whatever its names hold.
func TestMetric_keysDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range []Metric{
		{Name: "a"},
		{Name: "a", Unit: "None"},
		{Name: "a", Namespace: "a"},
		{Namespace: "a"},
		{Name: "a", Dimensions: []Dimension{{"x=y", "z"}}},
		{Name: "a", Dimensions: []Dimension{{"x", "y=z"}}},
		{Name: "a", Dimensions: []Dimension{{"x", "y"}, {"z", ""}}},
		{Name: "a", Dimensions: []Dimension{{"x", ""}, {"z", "y"}}},
		{Name: "a&unit=None"},
		{Name: "a;b"},
	} {
		if seen[m.key()] {
			t.Errorf("%+v has the key of another: %s", m, m.key())
		}
		seen[m.key()] = true
		s := &screen{choices: choices{path: "/", zone: time.UTC, page: 1}}
		c, err := parse(mustURL(t, s.metricLink(m)))
		if err != nil || c.metric != m.key() {
			t.Errorf("%+v: its link %s leads to %q, %v", m, s.metricLink(m), c.metric, err)
		}
	}
}

func TestMetricPage_links(t *testing.T) {
	view, err := heavy(t.Context(), Ask{To: noon, From: noon.Add(-time.Hour), Period: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range map[int][2]string{
		1: {"", "/?page=2#metrics"}, 2: {"/#metrics", "/?page=3#metrics"}, 7: {"/?page=6#metrics", ""},
		9: {"/?page=6#metrics", ""},
	} {
		s := &screen{
			choices: choices{path: "/", zone: time.UTC, page: number, span: defaultSpan}, View: view,
			ask: Ask{From: noon.Add(-time.Hour), To: noon, Period: time.Minute},
		}
		p := s.metricPage()
		if got := [2]string{p.Previous, p.Next}; got != want {
			t.Errorf("page %d: got links %q, want %q", number, got, want)
		}
		if p.Groups[0].Continued {
			t.Errorf("page %d begins with a device of the page before", number) // 48 is 8 devices
		}
	}
}

func TestMetricPage_deviceOverTwoPages(t *testing.T) {
	view := func(context.Context, Ask) (View, error) {
		var v View
		for i := range 50 {
			v.Metrics = append(v.Metrics, Metric{Name: fmt.Sprintf("m%d (kitchen)", i)})
		}
		return v, nil
	}
	if body := page(t, view, "/?page=2"); !strings.Contains(body, `kitchen</a> <span class="dim">continued</span>`) {
		t.Error("the second page does not say that its device continues")
	}
}

func TestCard_staleAndSilent(t *testing.T) {
	m := Metric{Name: "cpu", Arrived: noon.Add(-3 * time.Hour)}
	s := &screen{choices: choices{path: "/", zone: time.UTC, page: 1}, ask: anHour(0).ask}
	for _, tt := range []struct {
		points []Point
		stale  bool
		newest string
	}{
		{nil, false, ""},
		{[]Point{at(20, 1)}, true, "11:23"},
		{[]Point{at(58, 1)}, false, "12:01"},
	} {
		m.Points = func() []Point { return tt.points }
		if c := s.cardOf(name(m), tt.points, smallShape); c.Stale != tt.stale || c.Newest != tt.newest {
			t.Errorf("points %v: got stale %t, newest %q, want %t, %q", tt.points, c.Stale, c.Newest, tt.stale, tt.newest)
		}
	}
	m.Points = nil
	view := func(context.Context, Ask) (View, error) { return View{Metrics: []Metric{m}}, nil }
	if body := page(t, view, "/"); !strings.Contains(body, "came 3 h ago") ||
		!strings.Contains(body, "no data in this time") {
		t.Error("a metric without points does not say when its last came")
	}
}

func TestTotal(t *testing.T) {
	got := total([]Point{
		{Average: 1, Minimum: 0, Maximum: 2, Sum: 4, SampleCount: 4},
		{Average: 10, Minimum: 10, Maximum: 10, Sum: 10, SampleCount: 1},
	})
	if want := (Point{Average: 2.8, Minimum: 0, Maximum: 10, Sum: 14, SampleCount: 5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
