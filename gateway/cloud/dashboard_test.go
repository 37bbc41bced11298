package cloud_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"piway/gateway/cloud"
	"piway/gateway/names"
)

// tokens are what CloudWatch's search finds single words in a name by: letters and digits apart, all else between them,
// in lower case (CloudWatch, search expression syntax, tokenization).
func tokens(text string) map[string]bool {
	found := map[string]bool{}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		found[strings.ToLower(word)] = true
	}
	return found
}

// The searches find each default metric of a device in both forms, at any site and by any template, and not another one's.
func TestNames_Dashboard_finds(t *testing.T) {
	for _, template := range []string{"", "{device}.{name}@{site}", "{site}/{device}/{name}"} {
		for _, site := range []string{"", "home"} {
			full := names.New(template, site)
			for _, metric := range cloud.DashboardMetrics {
				for _, name := range []string{metric, full.Report(metric, "kitchen")} {
					for _, searched := range cloud.DashboardMetrics {
						if got := finds(t, searched, name); got != (searched == metric) {
							t.Errorf("%s: the search for %s says %t", name, searched, got)
						}
					}
				}
			}
		}
	}
	for _, local := range []string{"swap usage", "agent cpu", "soft temperature limit seconds", "memory available"} {
		for _, searched := range cloud.DashboardMetrics {
			if finds(t, searched, local) {
				t.Errorf("the search for %s finds %s", searched, local)
			}
		}
	}
}

// finds evaluates a metric's search for a name.
func finds(t *testing.T, metric, name string) bool {
	t.Helper()
	words, ok := strings.CutPrefix(expressions(t, metric)[0], `SEARCH('Namespace="RaspberryPi" `)
	words, _, closed := strings.Cut(words, "', 'Average', 60)")
	if !ok || !closed {
		t.Fatalf("got the search %s", words)
	}
	has := tokens(name)
	for _, term := range strings.Fields(words) {
		word, named := strings.CutPrefix(term, "MetricName=")
		if !named || !has[strings.ToLower(word)] {
			return false
		}
	}
	return true
}

type body struct {
	Widgets []struct {
		Type                string
		X, Y, Width, Height int
		Properties          struct {
			Title, Region string
			Period        int
			Metrics       [][]any
		}
	}
}

func parsed(t *testing.T, text []byte) (b body) {
	t.Helper()
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// expressions are the searches of a dashboard for metrics.
func expressions(t *testing.T, metrics ...string) (all []string) {
	t.Helper()
	for _, w := range parsed(t, cloud.Default().Dashboard(metrics, time.Minute)).Widgets {
		for _, line := range w.Properties.Metrics {
			if search, ok := line[0].(map[string]any); ok {
				all = append(all, fmt.Sprint(search["expression"]))
			}
		}
	}
	return all
}

// Each widget has its place, and a graph its region and a period that a window fits in.
func TestNames_Dashboard_layout(t *testing.T) {
	n := cloud.Default()
	for window, period := range map[time.Duration]int{
		10 * time.Second: 60, time.Minute: 60, 5 * time.Minute: 300, 90 * time.Second: 120,
	} {
		b := parsed(t, n.Dashboard(cloud.DashboardMetrics, window))
		if len(b.Widgets) != len(cloud.DashboardMetrics)+2 {
			t.Fatalf("got %d widgets", len(b.Widgets))
		}
		if p := b.Widgets[0].Properties; p.Period != period || p.Region != "us-east-1" || p.Title != "cpu usage" {
			t.Errorf("%s: got %+v, want a period of %d", window, p, period)
		}
		for i, w := range b.Widgets {
			if w.X+w.Width > 24 || w.Width == 0 || w.Height == 0 {
				t.Errorf("got widget %d at %d, %d wide", i, w.X, w.Width)
			}
			for _, v := range b.Widgets[:i] {
				if w.X < v.X+v.Width && v.X < w.X+w.Width && w.Y < v.Y+v.Height && v.Y < w.Y+w.Height {
					t.Errorf("widgets %+v and %+v lie on each other", w, v)
				}
			}
		}
	}
	// A query has up to 1,024 characters (CloudWatch, search expression limits).
	n.Namespace = strings.Repeat("n", 255)
	for _, e := range expressions(t, cloud.DashboardMetrics...) {
		if len(e)+255 > 1024 {
			t.Errorf("got %d characters: %s", len(e), e)
		}
	}
	if got := cloud.DashboardLines(11); got != 47 {
		t.Errorf("got %d lines of 11 devices, want 47", got)
	}
}

func TestNames_DashboardLink(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1":     "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/piway-eu-west-1",
		"cn-north-1":    "https://console.amazonaws.cn/cloudwatch/home?region=cn-north-1#dashboards/dashboard/piway-cn-north-1",
		"us-gov-west-1": "https://console.amazonaws-us-gov.com/cloudwatch/home?region=us-gov-west-1#dashboards/dashboard/piway-us-gov-west-1",
	} {
		n := cloud.Default()
		n.Region = region
		if got := n.DashboardLink(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
