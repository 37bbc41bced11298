package page

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestValueTicks_labels(t *testing.T) {
	for _, tt := range []struct {
		name   string
		lo, hi float64
		unit   string
		want   []string
	}{
		{"percent", 12, 38, "Percent", []string{"0", "50", "100"}},
		{"a wiggle of percent", 61.2, 61.25, "Percent", []string{"0", "50", "100"}},
		{"constant percent", 0, 0, "Percent", []string{"0", "50", "100"}},
		{"all percent", 100, 100, "Percent", []string{"0", "50", "100"}},
		{"more than all", 20, 340, "Percent", []string{"0", "200", "400"}},
		{"less than none", -20, 50, "Percent", []string{"−50", "0", "50", "100"}},
		{"near zero", 12, 38, "None", []string{"0", "20", "40"}},
		{"half way", 1200, 2300, "", []string{"0", "1,000", "2,000", "3,000"}},
		{"far from zero", 51, 64, "", []string{"50", "55", "60", "65"}},
		{"far below zero", -64, -51, "", []string{"−65", "−60", "−55", "−50"}},
		{"a wiggle far from zero", 1830, 1831, "Megabytes", []string{"1,600", "1,800", "2,000", "2,200"}},
		{"constant", 42, 42, "", []string{"35", "40", "45", "50"}},
		{"constant zero", 0, 0, "", []string{"0", "0.5", "1.0"}},
		{"constant below zero", -5, -5, "", []string{"−5.5", "−5.0", "−4.5"}},
		{"around zero", -3, 4, "", []string{"−5.0", "−2.5", "0", "2.5", "5.0"}},
		{"below zero", -40, -3, "", []string{"−40", "−20", "0"}},
		{"bytes", 3e9, 9e9, "Bytes", []string{"0", "5G", "10G"}},
		{"tiny", 2e-9, 9e-9, "", []string{"0", "5n", "10n"}},
		{"little change of much", 1e9, 1e9 + 8, "", []string{"0.9G", "1.0G", "1.1G", "1.2G"}},
		{"the largest", -math.Ldexp(1, 360), math.Ldexp(1, 360), "", []string{"−4e108", "−2e108", "0", "2e108", "4e108"}},
		{"the least", 5e-324, 5e-324, "", []string{"0", "0.5", "1.0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lo, hi := bounds(tt.lo, tt.hi, tt.unit)
			got := labels(valueTicks(lo, hi, 3))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("labels from %g to %g (-want +got):\n%s", tt.lo, tt.hi, diff)
			}
		})
	}
}

func FuzzValueTicks(f *testing.F) {
	for _, v := range [][2]float64{
		{0, 1},
		{1e300, -1e300},
		{1e-310, 2e-310},
		{1e15, 1e15 + 1},
		{99999, 100001},
		{-0.001, 0.00099},
	} {
		f.Add(v[0], v[1], false)
		f.Add(v[0], v[1], true)
	}
	f.Fuzz(func(t *testing.T, a, b float64, percent bool) {
		unit := "None"
		if percent {
			unit = "Percent"
		}
		if !(math.Abs(a) <= drawable) || !(math.Abs(b) <= drawable) {
			t.Skip("is not drawn")
		}
		lo, hi := bounds(min(a, b), max(a, b), unit)
		ticks, step := valueTicks(lo, hi, 3)
		if len(ticks) < 2 || len(ticks) > 6 {
			t.Fatalf("%d ticks from %g to %g, want 2 to 6", len(ticks), a, b)
		}
		slack := step * 1e-3
		if ticks[0] > min(a, b)+slack || ticks[len(ticks)-1] < max(a, b)-slack {
			t.Errorf("ticks %g do not enclose %g and %g", ticks, a, b)
		}
		seen := map[string]bool{}
		for _, l := range labels(ticks, step) {
			if seen[l] || len([]rune(l)) > 18 {
				t.Errorf("label %q of ticks %g is a second one or long", l, ticks)
			}
			seen[l] = true
		}
	})
}

func TestTimeTicks(t *testing.T) {
	for _, tt := range []struct {
		name, zone string
		to         time.Time
		length     time.Duration
		want       []string
	}{
		{"quarter of an hour", "UTC", noon, 15 * time.Minute, []string{"11:50", "11:55", "12:00"}},
		{"hours", "Europe/Berlin", noon, 3 * time.Hour, []string{"10:30", "11:00", "11:30", "12:00", "12:30", "13:00"}},
		{
			"a zone of half hours", "Asia/Kolkata", noon, 6 * time.Hour,
			[]string{"12:00", "13:00", "14:00", "15:00", "16:00", "17:00"},
		},
		{"over midnight", "UTC", noon, day, []string{"18:00", "5 Jan", "06:00", "12:00"}},
		{"days", "Europe/Berlin", noon, 14 * day, []string{"23 Dec", "26 Dec", "29 Dec", "1 Jan", "4 Jan"}},
		{
			"clocks go forward", "Europe/Berlin", time.Date(2026, 3, 29, 9, 1, 0, 0, time.UTC), day,
			[]string{"12:00", "18:00", "29 Mar", "06:00"},
		},
		{
			"clocks go forward in days", "Europe/Berlin", time.Date(2026, 4, 3, 12, 0, 0, 0, time.UTC), 14 * day,
			[]string{"23 Mar", "26 Mar", "29 Mar", "1 Apr"},
		},
		{
			"clocks go back", "Europe/Berlin", time.Date(2026, 10, 25, 9, 1, 0, 0, time.UTC), day,
			[]string{"12:00", "18:00", "25 Oct", "06:00"},
		},
		{
			"the hour that comes twice", "Europe/Berlin", time.Date(2026, 10, 25, 1, 31, 0, 0, time.UTC), time.Hour,
			[]string{"02:40", "02:50", "02:00", "02:10", "02:20", "02:30"},
		},
		{
			"a day that begins at one", "America/Santiago", time.Date(2026, 9, 7, 12, 0, 0, 0, time.UTC), 5 * day,
			[]string{"3 Sep", "4 Sep", "5 Sep", "6 Sep", "7 Sep"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			zone, err := parseZone(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			ticks, step := timeTicks(tt.to.Add(-tt.length), tt.to, zone, 6)
			var got []string
			for _, at := range ticks {
				got = append(got, timeLabel(at, step))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
		})
	}
}
