package reading

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTally(t *testing.T) {
	t.Parallel()
	at := func(n uint64) map[string]Count { return map[string]Count{"n": {Value: n, Of: "a"}} }
	grown := func(by float64) map[string]float64 { return map[string]float64{"n": by} }
	none := map[string]float64{}
	for _, tt := range []struct {
		name     string
		readings []map[string]Count
		want     []map[string]float64 // each a minute after the one before
	}{
		{"grows", []map[string]Count{at(5), at(7), at(7), at(10)}, []map[string]float64{nil, grown(2), grown(0), grown(3)}},
		{"wraps at 32 bits", []map[string]Count{at(math.MaxUint32), at(10), at(30)}, []map[string]float64{nil, none, grown(20)}},
		{"is reset", []map[string]Count{at(500), at(0), at(1)}, []map[string]float64{nil, none, grown(1)}},
		{
			"counts below 0",
			[]map[string]Count{at(3), at(math.MaxUint64), at(4), at(5)},
			[]map[string]float64{nil, none, none, grown(1)},
		},
		{
			"another device",
			[]map[string]Count{at(5), {"n": {Value: 9, Of: "b"}}, {"n": {Value: 10, Of: "b"}}},
			[]map[string]float64{nil, none, grown(1)},
		},
		{"goes and comes", []map[string]Count{at(5), {}, at(9), at(10)}, []map[string]float64{nil, none, none, grown(1)}},
		{"comes", []map[string]Count{{}, at(9), at(10)}, []map[string]float64{nil, none, grown(1)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var c Tally
				for i, now := range tt.readings {
					got, elapsed := c.Since(now)
					if diff := cmp.Diff(tt.want[i], got); diff != "" {
						t.Errorf("reading %d: %s", i, diff)
					}
					if i > 0 && elapsed != time.Minute {
						t.Errorf("reading %d: in %s, want 1m", i, elapsed)
					}
					time.Sleep(time.Minute)
				}
			})
		})
	}
}

// Two readings at one moment give nothing, and the next one gives all since the first.
func TestTally_no_time_has_passed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Tally
		c.Since(map[string]Count{"n": {Value: 1}})
		if got, _ := c.Since(map[string]Count{"n": {Value: 2}}); len(got) != 0 {
			t.Errorf("got %v, want nothing", got)
		}
		time.Sleep(time.Second)
		if got, _ := c.Since(map[string]Count{"n": {Value: 3}}); got["n"] != 2 {
			t.Errorf("got %v, want 2", got)
		}
	})
}

func TestShare(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		grown, elapsed time.Duration
		want           float64
		ok             bool
	}{
		{0, time.Minute, 0, true},
		{15 * time.Second, time.Minute, 25, true},
		{time.Minute + time.Second, time.Minute, 100, true},
		{time.Hour, time.Minute, 0, false},
		{1, 0, 0, false},
	} {
		if got, ok := Share(tt.grown, tt.elapsed); got != tt.want || ok != tt.ok {
			t.Errorf("%s of %s: got %v, %t; want %v, %t", tt.grown, tt.elapsed, got, ok, tt.want, tt.ok)
		}
	}
}
