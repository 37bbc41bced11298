package rollup_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/pass"
	"piway/gateway/rollup"
	"piway/shared/sample"
)

func one(name string, value, at float64) sample.Sample {
	return sample.Sample{Name: name, Unit: "Count", Value: value, Time: at}
}

func settings(rules ...rollup.Rule) rollup.Settings {
	return rollup.Settings{Window: time.Minute, Rules: rules}
}

func TestDatums_reductions(t *testing.T) {
	want := map[rollup.Reduction]float64{
		rollup.Avg: 3, rollup.Min: -2, rollup.Max: 7, rollup.Sum: 12, rollup.Last: 5, rollup.Count: 4,
	}
	for _, reduce := range rollup.Reductions {
		if _, ok := want[reduce]; !ok {
			continue // All and Values have tests of their own
		}
		t.Run(string(reduce), func(t *testing.T) {
			r := rollup.New(settings(rollup.Rule{Match: "*", Reduce: reduce}))
			// The newest by its time is in the middle; of two at that time, the later arrival counts.
			r.Add("kitchen", []sample.Sample{one("m", 2, 60), one("m", 7, 100), one("m", 5, 100), one("m", -2, 90)})
			got := r.Datums()
			w := []pass.Datum{{Device: "kitchen", Name: "m", Unit: "Count", Value: want[reduce], Time: 60, Samples: 4}}
			if diff := cmp.Diff(w, got); diff != "" {
				t.Errorf("datums (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDatums_all(t *testing.T) {
	r := rollup.New(settings(rollup.Rule{Match: "m", Reduce: rollup.All}))
	r.Add("kitchen", []sample.Sample{one("m", 1, 100.9), one("m", 2, 61), one("m", 3, 100.1)})
	want := []pass.Datum{
		{Device: "kitchen", Name: "m", Unit: "Count", Value: 2, Time: 61, Samples: 1},
		{Device: "kitchen", Name: "m", Unit: "Count", Value: 1, Time: 100, Samples: 1},
		{Device: "kitchen", Name: "m", Unit: "Count", Value: 3, Time: 100, Samples: 1},
	}
	if diff := cmp.Diff(want, r.Datums()); diff != "" {
		t.Errorf("datums (-want +got):\n%s", diff)
	}
}

func TestDatums_values(t *testing.T) {
	r := rollup.New(settings(rollup.Rule{Match: "m", Reduce: rollup.Values}))
	// By time, and by arrival where the times are equal; each window and unit by itself.
	r.Add("kitchen", []sample.Sample{one("m", 1, 100), one("m", 2, 61), one("m", 3, 100)})
	r.Add("kitchen", []sample.Sample{
		one("m", 4, 60), one("m", 5, 100), one("m", 6, 120), one("n", 8, 60),
		one("n", 9, 60),
	})
	want := []pass.Datum{
		{Device: "kitchen", Name: "m", Unit: "Count", Values: []float64{6}, Time: 120, Samples: 1},
		{Device: "kitchen", Name: "m", Unit: "Count", Values: []float64{4, 2, 1, 3, 5}, Time: 60, Samples: 5},
		{Device: "kitchen", Name: "n", Unit: "Count", Value: 8.5, Time: 60, Samples: 2},
	}
	for range 2 { // asking does not change the answer
		if diff := cmp.Diff(want, r.Datums()); diff != "" {
			t.Errorf("datums (-want +got):\n%s", diff)
		}
	}
}

// More values than CloudWatch takes in an array make several datums, in order of time, then arrival.
func TestDatums_manyValues(t *testing.T) {
	for n, lengths := range map[int][]int{1: {1}, 99: {99}, 100: {100}, 101: {100, 1}, 250: {100, 100, 50}} {
		r := rollup.New(rollup.Settings{Window: time.Minute, Default: rollup.Values})
		var early, late []float64
		for i := range n {
			v := float64(i)
			if i%3 == 0 {
				early = append(early, v)
			} else {
				late = append(late, v)
			}
			r.Add("pi", []sample.Sample{one("m", v, 70+float64(min(i%3, 1)))})
		}
		var got []int
		var values []float64
		for _, d := range r.Datums() {
			got = append(got, d.Samples)
			values = append(values, d.Values...)
		}
		if !slices.Equal(got, lengths) {
			t.Errorf("%d values: got datums of %v, want %v", n, got, lengths)
		}
		if diff := cmp.Diff(append(early, late...), values); diff != "" {
			t.Errorf("%d values (-want +got):\n%s", n, diff)
		}
	}
}

func TestDatums_default(t *testing.T) {
	r := rollup.New(rollup.Settings{
		Window: time.Minute, Default: rollup.Max,
		Rules: []rollup.Rule{{Match: "m", Reduce: rollup.Min}},
	})
	r.Add("kitchen", []sample.Sample{one("m", 1, 0), one("m", 2, 0), one("n", 1, 0), one("n", 2, 0)})
	if d := r.Datums(); d[0].Value != 1 || d[1].Value != 2 {
		t.Errorf("got %+v, want m by its rule and n by the default", d)
	}
}

// A rule goes by what the cloud shows, and also by the full name, which alone says whose metric it is.
func TestDatums_rulesMatchEitherName(t *testing.T) {
	set := settings(rollup.Rule{Match: "*(hall)", Reduce: rollup.Min}, rollup.Rule{Match: "cpu", Reduce: rollup.Max})
	set.Base = func(name, device string) string { return strings.TrimSuffix(name, " ("+device+")") }
	r := rollup.New(set)
	for _, device := range []string{"hall", "kitchen"} {
		r.Add(device, []sample.Sample{one("cpu ("+device+")", 1, 0), one("cpu ("+device+")", 2, 0)})
	}
	if d := r.Datums(); d[0].Value != 1 || d[1].Value != 2 {
		t.Errorf("got %+v, want the least of the hall's and the most of the kitchen's", d)
	}
}

// The mean of equal values is that value, whatever the sum's rounding makes of it.
func TestDatums_meanWithinExtremes(t *testing.T) {
	for _, v := range []float64{0.1, 0.7, 1.1, 99.9, -0.3} {
		r := rollup.New(settings())
		for range 1000 {
			r.Add("kitchen", []sample.Sample{one("m", v, 60)})
		}
		if got := r.Datums()[0].Value; got != v {
			t.Errorf("got %v, want %v", got, v)
		}
	}
}

func TestDatums_windows(t *testing.T) {
	r := rollup.New(settings())
	for _, at := range []float64{0, 59.999, 60, 119, 120, 7200.5} {
		r.Add("kitchen", []sample.Sample{one("m", 1, at)})
	}
	got := map[int64]int{}
	for _, d := range r.Datums() {
		got[d.Time] = d.Samples
	}
	if diff := cmp.Diff(map[int64]int{0: 2, 60: 2, 120: 1, 7200: 1}, got); diff != "" {
		t.Errorf("samples by window (-want +got):\n%s", diff)
	}
}

// The same input gives the same datums each time, and each sample is in exactly one.
func TestDatums_sameAgain(t *testing.T) {
	const devices, names, times = 7, 11, 13
	reduce := func() []pass.Datum {
		r := rollup.New(settings(rollup.Rule{Match: "metric 3", Reduce: rollup.All},
			rollup.Rule{Match: "metric 4", Reduce: rollup.Sum},
			rollup.Rule{Match: "metric 5", Reduce: rollup.Values}))
		for d := range devices {
			for n := range names {
				for i := range times {
					r.Add(fmt.Sprintf("pi-%d", d), []sample.Sample{one(fmt.Sprintf("metric %d", n), 0.1*float64(i), float64(25*i))})
				}
			}
		}
		return r.Datums()
	}
	first := reduce()
	total := 0
	for _, d := range first {
		total += d.Samples
	}
	if want := devices * names * times; total != want {
		t.Errorf("got %d samples in all datums, want %d", total, want)
	}
	for range 20 { // the order of a map differs each time
		if diff := cmp.Diff(first, reduce()); diff != "" {
			t.Fatalf("the same input gave other datums (-first +now):\n%s", diff)
		}
	}
}

func TestDatums_firstRuleCounts(t *testing.T) {
	r := rollup.New(settings(rollup.Rule{Match: "cpu *", Reduce: rollup.Max}, rollup.Rule{Match: "*", Reduce: rollup.Min}))
	r.Add("kitchen", []sample.Sample{
		one("cpu usage", 1, 0), one("cpu usage", 2, 0), one("memory", 1, 0),
		one("memory", 2, 0),
	})
	got := map[string]float64{}
	for _, d := range r.Datums() {
		got[d.Name] = d.Value
	}
	if diff := cmp.Diff(map[string]float64{"cpu usage": 2, "memory": 1}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestMatches(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"*", "disk usage /var/log", true},
		{"disk usage *", "disk usage /var/log (kitchen)", true},
		{"disk usage /*", "disk usage /var", true},
		{"disk usage /var", "disk usage /var", true},
		{"disk ? usage", "disk / usage", true},
		{"disk*", "cpu", false},
		{"cpu", "cpu usage", false},
		{"[ab]pu", "bpu", true},
		{"[", "[", false},
	}
	for _, tt := range tests {
		if got := rollup.Matches(tt.pattern, tt.name); got != tt.want {
			t.Errorf("%q matches %q: got %t, want %t", tt.pattern, tt.name, got, tt.want)
		}
	}
}

func TestCheckPattern(t *testing.T) {
	for pattern, ok := range map[string]bool{
		"*": true, "disk /*": true, "[a-c]?": true, "[": false, `a\`: false,
		"[]": false, "a[": false,
	} {
		if err := rollup.CheckPattern(pattern); (err == nil) != ok {
			t.Errorf("%q: got %v, want valid %t", pattern, err, ok)
		}
	}
}
