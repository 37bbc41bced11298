package cloudwatch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/localcore/cloudwatch"
)

func TestStore_Statistics(t *testing.T) {
	s := cloudwatch.New()
	hour := now.Truncate(time.Hour)
	for at, v := range map[time.Duration]float64{
		0: 1, 59 * time.Second: 3, time.Minute: 5, 6 * time.Minute: 7,
		-time.Second: 9,
	} {
		d := datum(func(d *cloudwatch.Datum) { d.Timestamp, d.Value = hour.Add(at), v })
		d.Dimensions = append(dimension("site", "home"), dimension("device", "pi1")...)
		if err := s.Put(now, d); err != nil {
			t.Fatal(err)
		}
	}
	k := cloudwatch.Key{
		Namespace: "RaspberryPi", Name: "cpu usage (pi1)", Unit: "Percent",
		Dimensions: append(dimension("device", "pi1"), dimension("site", "home")...),
	}
	stat := func(at time.Duration, n, sum, least, most float64) cloudwatch.Period {
		return cloudwatch.Period{
			Start: hour.Add(at), SampleCount: n, Sum: sum, Minimum: least, Maximum: most, Average: sum / n,
		}
	}
	for _, tc := range []struct {
		period   time.Duration
		from, to time.Duration
		want     []cloudwatch.Period
	}{
		{time.Minute, 0, time.Hour, []cloudwatch.Period{
			stat(0, 2, 4, 1, 3), stat(time.Minute, 1, 5, 5, 5),
			stat(6*time.Minute, 1, 7, 7, 7),
		}},
		{time.Minute, 30 * time.Second, time.Minute, []cloudwatch.Period{stat(0, 2, 4, 1, 3)}},
		{5 * time.Minute, -time.Hour, time.Hour, []cloudwatch.Period{
			stat(-5*time.Minute, 1, 9, 9, 9),
			stat(0, 3, 9, 1, 5), stat(5*time.Minute, 1, 7, 7, 7),
		}},
		{time.Hour, 0, time.Hour, []cloudwatch.Period{stat(0, 4, 16, 1, 7)}},
		{time.Hour, time.Hour, 2 * time.Hour, nil},
	} {
		got, err := s.Statistics(k, hour.Add(tc.from), hour.Add(tc.to), tc.period)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s from %s to %s (-want +got)\n%s", tc.period, tc.from, tc.to, diff)
		}
	}
	k.Unit = "Count"
	if got, err := s.Statistics(k, hour, hour.Add(time.Hour), time.Minute); err != nil || got != nil {
		t.Errorf("another unit: got %+v, %v, want nothing", got, err)
	}
	if _, err := s.Statistics(k, hour, hour, time.Second); err == nil ||
		!strings.Contains(err.Error(), "try: 1m, 5m or 1h") {
		t.Errorf("a second: got %v", err)
	}
}

// Longer periods are kept longer.
func TestStore_Statistics_bounds(t *testing.T) {
	s := cloudwatch.New()
	const n = cloudwatch.MaxPeriods + 600
	first := now.Add(-n * time.Minute).Truncate(time.Hour)
	for i := range n {
		if err := s.Put(now, datum(func(d *cloudwatch.Datum) {
			d.Timestamp = first.Add(time.Duration(
				i) * time.Minute)
		})); err != nil {
			t.Fatal(err)
		}
	}
	k := cloudwatch.Key{Namespace: "RaspberryPi", Name: "cpu usage (pi1)", Unit: "Percent"}
	for period, want := range map[time.Duration]int{
		time.Minute: cloudwatch.MaxPeriods, 5 * time.Minute: n / 5,
		time.Hour: n / 60,
	} {
		got, err := s.Statistics(k, first, now, period)
		if err != nil || len(got) != want {
			t.Fatalf("%s: got %d periods, %v, want %d", period, len(got), err, want)
		}
	}
}
