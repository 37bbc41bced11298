package page

import (
	"bytes"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata")

// anHour is a graph of the hour before noon.
func anHour(stat int, points ...Point) series {
	return series{
		points: points, stat: statistics[stat], zone: time.UTC, unit: "Percent", label: "cpu usage",
		ask: Ask{From: noon.Add(-time.Hour).Truncate(time.Minute), To: noon, Period: time.Minute},
	}
}

// at is a point some minutes after the start of anHour.
func at(minute int, v float64) Point {
	start := noon.Add(-time.Hour).Truncate(time.Minute)
	return Point{
		Start: start.Add(time.Duration(minute) * time.Minute), Average: v, Minimum: v, Maximum: v, Sum: v,
		SampleCount: 1,
	}
}

func spread(p Point, lo, hi float64) Point {
	p.Minimum, p.Maximum = lo, hi
	return p
}

func TestDraw_golden(t *testing.T) {
	s := anHour(0, spread(at(0, 20), 10, 30), spread(at(1, 25), 24, 40), spread(at(2, 22), 22, 22), at(30, 35), at(58, 12),
		at(59, 15))
	s.label = `a name with <tags> & "quotes"`
	var got bytes.Buffer
	if err := templates().ExecuteTemplate(&got, "chart", draw(smallShape, s)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "chart.svg")
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the graph has changed; look at it, then run with -update (-want +got):\n%s", diff)
	}
	wellFormed(t, got.String())
}

// A number of samples is no percentage, whatever the metric's unit.
func TestDraw_percent(t *testing.T) {
	for stat, want := range map[int]string{0: "100", 2: "100", 3: "4.0", 4: "1.1"} {
		c := draw(smallShape, anHour(stat, at(10, 3), at(11, 4)))
		if top := c.Y[len(c.Y)-1].Label; top != want {
			t.Errorf("%s: the axis ends at %s, want %s", statistics[stat].name, top, want)
		}
	}
}

func TestDraw_gaps(t *testing.T) {
	for _, tt := range []struct {
		name        string
		points      []Point
		lines, dots int
	}{
		{"nothing", nil, 0, 0},
		{"one point", []Point{at(10, 1)}, 1, 1},
		{"no gap", []Point{at(10, 1), at(11, 2), at(12, 3)}, 1, 1},
		{"one period is missing", []Point{at(10, 1), at(11, 1), at(13, 2), at(14, 2)}, 2, 1},
		{"lonely points", []Point{at(10, 1), at(12, 2), at(14, 3)}, 3, 3},
		{"what cannot be drawn is a gap", []Point{
			at(10, 1), at(11, math.NaN()), at(12, math.Inf(1)), at(13, 1e305),
			at(14, 2),
		}, 2, 2},
		{"outside of the time", []Point{at(-1, 1), at(10, 2), at(70, 3)}, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := draw(smallShape, anHour(0, tt.points...))
			if got := strings.Count(c.Line, "M"); got != tt.lines || len(c.Dots) != tt.dots {
				t.Errorf("got %d lines and %d dots, want %d and %d: %q", got, len(c.Dots), tt.lines, tt.dots, c.Line)
			}
			if c.Empty != (tt.lines == 0) {
				t.Errorf("empty: got %t", c.Empty)
			}
			if bad := strings.ContainsAny(c.Line+c.Band, "NaInf"); bad {
				t.Errorf("a coordinate is no number: %q %q", c.Line, c.Band)
			}
		})
	}
}

func TestDraw_band(t *testing.T) {
	points := []Point{spread(at(10, 5), 1, 9), spread(at(11, 5), 2, 8)}
	if c := draw(smallShape, anHour(0, points...)); strings.Count(c.Band, "L") != 3 || !strings.HasSuffix(c.Band, "Z") {
		t.Errorf("the average's band: got %q, want a closed shape of four corners", c.Band)
	}
	for stat := 1; stat < len(statistics); stat++ {
		if c := draw(smallShape, anHour(stat, points...)); c.Band != "" {
			t.Errorf("%s has a band: %q", statistics[stat].name, c.Band)
		}
	}
	if c := draw(smallShape, anHour(0, at(10, 5), at(11, 6))); c.Band != "" {
		t.Errorf("got band %q, want none where minimum is maximum", c.Band)
	}
}

// Whatever the values, a line stays inside its plot.
func FuzzDraw(f *testing.F) {
	f.Add(1.0, 2.0, 3.0, int64(1))
	f.Add(-1e300, 1e300, 0.0, int64(2))
	f.Add(5e-324, 1e-310, -1e-310, int64(0))
	f.Fuzz(func(t *testing.T, a, b, c float64, minute int64) {
		s := anHour(0, at(int(minute%80), a), at(int(minute%80)+1, b), spread(at(int(minute%80)+3, c), min(a, c), max(a, c)))
		got := draw(narrowShape, s)
		for _, number := range strings.FieldsFunc(got.Line+got.Band,
			func(r rune) bool { return strings.ContainsRune("MLZ ", r) }) {
			if v, err := parseFloat(number); err != nil || v < 0 || v > narrowShape.width {
				t.Fatalf("coordinate %q (%v), values %g %g %g", number, err, a, b, c)
			}
		}
	})
}

func BenchmarkIndex_300metrics(b *testing.B) { benchmarkIndex(b, false) }

// All 300 graphs: every page once.
func BenchmarkIndex_300metricsAllPages(b *testing.B) { benchmarkIndex(b, true) }
