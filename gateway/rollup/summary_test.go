package rollup_test

import (
	"math"
	"testing"
	"time"

	"piway/gateway/pass"
	"piway/gateway/rollup"
)

// two summaries of one window: 1, 2, 6 and 11.
func twoSummaries() []pass.Summary {
	return []pass.Summary{
		{Name: "load", Unit: "Count", Time: 300, N: 3, Sum: 9, Min: 1, Max: 6, Last: 2, LastTime: 330},
		{Name: "load", Unit: "Count", Time: 360, N: 1, Sum: 11, Min: 11, Max: 11, Last: 11, LastTime: 320},
	}
}

func TestRollup_AddSummary(t *testing.T) {
	for reduce, want := range map[rollup.Reduction]float64{
		rollup.Avg: 5, rollup.Min: 1, rollup.Max: 11, rollup.Sum: 20, rollup.Last: 2, rollup.Count: 4,
	} {
		r := rollup.New(rollup.Settings{Window: 5 * time.Minute, Default: reduce})
		for _, s := range twoSummaries() {
			r.AddSummary("pi", s)
		}
		if d := r.Datums(); len(d) != 1 || d[0].Value != want || d[0].Samples != 4 || d[0].Time != 300 {
			t.Errorf("%s: got %+v, want one datum of %v at 300, of 4 samples", reduce, d, want)
		}
	}
	r := rollup.New(rollup.Settings{Window: 5 * time.Minute, Default: rollup.All})
	for _, s := range twoSummaries() {
		r.AddSummary("pi", s)
	}
	if d := r.Datums(); len(d) != 2 || d[0].Value != 3 || d[0].Samples != 3 || d[1].Value != 11 || d[1].Samples != 1 {
		t.Errorf("all: got %+v, want the average of each summary", d)
	}
}

// Under Values the extremes, the average and the number of samples are true.
func TestRollup_AddSummary_values(t *testing.T) {
	for _, s := range []pass.Summary{
		{N: 1, Sum: 7, Min: 7, Max: 7},
		{N: 2, Sum: 9, Min: 4, Max: 5},
		{N: 20, Sum: 110, Min: 1, Max: 12},
		{N: 100, Sum: 110, Min: 1, Max: 11},
		{N: 2400, Sum: 4800, Min: 1, Max: 9},
	} {
		s.Name, s.Unit, s.Time = "load", "Count", 300
		r := rollup.New(rollup.Settings{Window: 5 * time.Minute, Default: rollup.Values})
		r.AddSummary("pi", s)
		d := r.Datums()
		if len(d) != 1 || d[0].Samples != s.N || len(d[0].Values) != min(s.N, pass.MaxValues) {
			t.Errorf("%d samples: got %+v, want one datum of as many", s.N, d)
			continue
		}
		sum, lo, hi := 0.0, math.Inf(1), math.Inf(-1)
		for _, v := range d[0].Values {
			sum, lo, hi = sum+v, min(lo, v), max(hi, v)
		}
		if avg := sum / float64(len(d[0].Values)); lo != s.Min || hi != s.Max || math.Abs(avg-s.Sum/float64(s.N)) > 1e-9 {
			t.Errorf("%+v: got values from %v to %v, avg %v", s, lo, hi, avg)
		}
	}
}
