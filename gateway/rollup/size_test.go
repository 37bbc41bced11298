package rollup_test

import (
	"fmt"
	"testing"
	"time"

	"piway/gateway/rollup"
	"piway/shared/race"
	"piway/shared/sample"
)

// Up to MaxKept samples of a metric and window go as they are. With one more they are a summary, and none is lost.
func TestDatums_maxKept(t *testing.T) {
	for _, reduce := range []rollup.Reduction{rollup.All, rollup.Values} {
		for _, n := range []int{rollup.MaxKept, rollup.MaxKept + 1, 3 * rollup.MaxKept} {
			set := settings()
			set.Default = reduce
			r := rollup.New(set)
			for i := range n {
				r.Add("pi", []sample.Sample{one("m", float64(i%10), 60+float64(i%60))})
			}
			values, samples, sum := 0, 0, 0.0
			for _, d := range r.Datums() {
				samples += d.Samples
				for _, v := range append(d.Values, d.Value)[:max(len(d.Values), 1)] {
					values, sum = values+1, sum+v
				}
			}
			want := n
			if n > rollup.MaxKept {
				want = map[rollup.Reduction]int{rollup.All: 1, rollup.Values: 100}[reduce]
			}
			if values != want || samples != n || sum/float64(values) < 4.49 || sum/float64(values) > 4.51 {
				t.Errorf("%s of %d: got %d values for %d samples, average %v; want %d, average 4.5", reduce, n, values, samples,
					sum/float64(values), want)
			}
		}
	}
}

// A device that sends a great many in one pass gets longer windows and summaries, once it is beyond its bound. No sample
// is lost, and another device notices nothing.
func TestDatums_maxDevice(t *testing.T) {
	if race.Enabled {
		t.Skip("thousands of samples, one after the other: without -race only")
	}
	const start, metrics, windows, hours = 1700006400, 100, 3000 + 180, 3 // the start of a day
	for _, reduce := range []rollup.Reduction{rollup.Avg, rollup.All, rollup.Values} {
		r := rollup.New(rollup.Settings{Window: time.Minute, Default: reduce})
		for w := range windows {
			var samples []sample.Sample
			for m := range metrics {
				samples = append(samples, one(fmt.Sprintf("m%d", m), float64(m), float64(start+60*w)))
			}
			r.Add("hostile", samples)
			r.Add("honest", samples[:1])
		}
		samples, windowsOf, honest := 0, map[int64]int{}, 0
		for _, d := range r.Datums() {
			if d.Device == "honest" {
				honest++
				continue
			}
			samples += d.Samples
			windowsOf[d.Time]++
		}
		if samples != metrics*windows || honest != windows {
			t.Errorf("%s: %d samples, and %d datums of the honest device; want %d and %d", reduce, samples, honest,
				metrics*windows, windows)
		}
		if n, want := len(windowsOf), rollup.MaxDevice/metrics+hours; n != want {
			t.Errorf("%s: %d windows, want %d", reduce, n, want)
		}
		for at, n := range windowsOf {
			if n != metrics || at >= start+60*rollup.MaxDevice/metrics && at%3600 != 0 {
				t.Errorf("%s: %d datums at %d", reduce, n, at)
			}
		}
	}
}

// Many samples of a device in a pass are kept up to the bound, whatever windows they are in.
func TestDatums_maxDevice_samples(t *testing.T) {
	const windows, each = 400, 1000
	r := rollup.New(rollup.Settings{Window: time.Minute, Default: rollup.All})
	for w := range windows {
		for i := range each {
			r.Add("pi", []sample.Sample{one("m", float64(i%3), float64(60*w))})
		}
	}
	r.Add("other", []sample.Sample{one("m", 1, 0), one("m", 2, 1)})
	datums := r.Datums()
	samples := 0
	for _, d := range datums {
		samples += d.Samples
	}
	// As they are up to the bound, then one of each window.
	if got, want := len(datums), rollup.MaxDevice+windows-rollup.MaxDevice/each+2; got != want {
		t.Errorf("%d datums, want %d", got, want)
	}
	if samples != windows*each+2 {
		t.Errorf("%d samples, want %d", samples, windows*each+2)
	}
}
