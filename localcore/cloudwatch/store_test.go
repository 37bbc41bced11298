package cloudwatch_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/localcore/cloudwatch"
)

var now = time.Date(2025, 11, 22, 6, 4, 30, 0, time.UTC)

func datum(change func(*cloudwatch.Datum)) cloudwatch.Datum {
	d := cloudwatch.Datum{Namespace: "RaspberryPi", Name: "cpu usage (pi1)", Unit: "Percent", Value: 12.5, Timestamp: now}
	change(&d)
	return d
}

func dimension(name, value string) []cloudwatch.Dimension {
	return []cloudwatch.Dimension{{Name: name, Value: value}}
}

func dimensions(n int) []cloudwatch.Dimension {
	var list []cloudwatch.Dimension
	for i := range n {
		list = append(list, dimension(fmt.Sprint("n", i), "v")...)
	}
	return list
}

func TestStore_Put_accepts(t *testing.T) {
	for name, change := range map[string]func(*cloudwatch.Datum){
		"plain":          func(*cloudwatch.Datum) {},
		"largest":        func(d *cloudwatch.Datum) { d.Value = math.Ldexp(1, 360) },
		"smallest":       func(d *cloudwatch.Datum) { d.Value = -math.Ldexp(1, 360) },
		"two weeks old":  func(d *cloudwatch.Datum) { d.Timestamp = now.Add(-14 * 24 * time.Hour) },
		"two hours on":   func(d *cloudwatch.Datum) { d.Timestamp = now.Add(2 * time.Hour) },
		"255 characters": func(d *cloudwatch.Datum) { d.Name = strings.Repeat("x", 255) },
		"no unit":        func(d *cloudwatch.Datum) { d.Unit = "None" },
		"30 dimensions":  func(d *cloudwatch.Datum) { d.Dimensions = dimensions(30) },
		"longest dimension": func(d *cloudwatch.Datum) {
			d.Dimensions = []cloudwatch.Dimension{{Name: strings.Repeat("n", 255), Value: strings.Repeat("v", 1024)}}
		},
		"a colon in a dimension's value": func(d *cloudwatch.Datum) { d.Dimensions = dimension("device", ":pi 1") },
	} {
		if err := cloudwatch.New().Put(now, datum(change)); err != nil {
			t.Errorf("%s: got %v, want nil", name, err)
		}
	}
}

func TestStore_Put_refuses(t *testing.T) {
	const member = "MetricData.member.1."
	for _, tc := range []struct {
		name      string
		change    func(*cloudwatch.Datum)
		parameter string
	}{
		{"no namespace", func(d *cloudwatch.Datum) { d.Namespace = "" }, "Namespace"},
		{"blank namespace", func(d *cloudwatch.Datum) { d.Namespace = "  " }, "Namespace"},
		{"AWS's namespace", func(d *cloudwatch.Datum) { d.Namespace = "AWS/IoT" }, "Namespace"},
		{"colon namespace", func(d *cloudwatch.Datum) { d.Namespace = ":x" }, "Namespace"},
		{"long namespace", func(d *cloudwatch.Datum) { d.Namespace = strings.Repeat("x", 256) }, "Namespace"},
		{"no name", func(d *cloudwatch.Datum) { d.Name = "" }, member + "MetricName"},
		{"long name", func(d *cloudwatch.Datum) { d.Name = strings.Repeat("x", 256) }, member + "MetricName"},
		{"control character", func(d *cloudwatch.Datum) { d.Name = "a\nb" }, member + "MetricName"},
		{"delete character", func(d *cloudwatch.Datum) { d.Name = "a\x7f" }, member + "MetricName"},
		{"not ASCII", func(d *cloudwatch.Datum) { d.Name = "Küche" }, member + "MetricName"},
		{"31 dimensions", func(d *cloudwatch.Datum) { d.Dimensions = dimensions(31) }, member + "Dimensions"},
		{"no dimension name", func(d *cloudwatch.Datum) { d.Dimensions = dimension("", "v") }, member +
			"Dimensions.member.1.Name"},
		{"blank dimension name", func(d *cloudwatch.Datum) { d.Dimensions = dimension(" ", "v") }, member +
			"Dimensions.member.1.Name"},
		{
			"long dimension name", func(d *cloudwatch.Datum) { d.Dimensions = dimension(strings.Repeat("n", 256), "v") },
			member + "Dimensions.member.1.Name",
		},
		{"colon dimension name", func(d *cloudwatch.Datum) { d.Dimensions = dimension(":n", "v") }, member +
			"Dimensions.member.1.Name"},
		{"dimension name not ASCII", func(d *cloudwatch.Datum) { d.Dimensions = dimension("Küche", "v") }, member +
			"Dimensions.member.1.Name"},
		{"no dimension value", func(d *cloudwatch.Datum) { d.Dimensions = dimension("n", "") }, member +
			"Dimensions.member.1.Value"},
		{"blank dimension value", func(d *cloudwatch.Datum) { d.Dimensions = dimension("n", " \t ") }, member +
			"Dimensions.member.1.Value"},
		{
			"long dimension value", func(d *cloudwatch.Datum) { d.Dimensions = dimension("n", strings.Repeat("v", 1025)) },
			member + "Dimensions.member.1.Value",
		},
		{"dimension value not ASCII", func(d *cloudwatch.Datum) { d.Dimensions = dimension("n", "Küche") }, member +
			"Dimensions.member.1.Value"},
		{"control character in a dimension", func(d *cloudwatch.Datum) { d.Dimensions = dimension("n", "a\x00b") }, member +
			"Dimensions.member.1.Value"},
		{"a dimension twice", func(d *cloudwatch.Datum) {
			d.Dimensions = append(dimension("n", "1"),
				dimension("n", "2")...)
		}, member + "Dimensions.member.2.Name"},
		{"no unit", func(d *cloudwatch.Datum) { d.Unit = "" }, member + "Unit"},
		{"unit's case", func(d *cloudwatch.Datum) { d.Unit = "percent" }, member + "Unit"},
		{"NaN", func(d *cloudwatch.Datum) { d.Value = math.NaN() }, member + "Value"},
		{"infinite", func(d *cloudwatch.Datum) { d.Value = math.Inf(-1) }, member + "Value"},
		{"too large", func(d *cloudwatch.Datum) { d.Value = math.Nextafter(math.Ldexp(1, 360), math.Inf(1)) }, member +
			"Value"},
		{"too old", func(d *cloudwatch.Datum) { d.Timestamp = now.Add(-14*24*time.Hour - 1) }, member + "Timestamp"},
		{"too far ahead", func(d *cloudwatch.Datum) { d.Timestamp = now.Add(2*time.Hour + 1) }, member + "Timestamp"},
		{"the first second", func(d *cloudwatch.Datum) { d.Timestamp = time.Unix(math.MinInt64, 0) }, member + "Timestamp"},
		{"the last second", func(d *cloudwatch.Datum) { d.Timestamp = time.Unix(math.MaxInt64, 0) }, member + "Timestamp"},
	} {
		s := cloudwatch.New()
		err := s.Put(now, datum(tc.change))
		if e, ok := errors.AsType[*cloudwatch.Error](err); !ok || e.Parameter != tc.parameter || e.Kind() != tc.parameter {
			t.Errorf("%s: got %v, want a refused %s", tc.name, err, tc.parameter)
		}
		if got := s.Metrics(); len(got) != 0 {
			t.Errorf("%s: refused and kept: %+v", tc.name, got)
		}
	}
}

func TestStore_Put_millisecondsGetAWSText(t *testing.T) {
	err := cloudwatch.New().Put(now, datum(func(d *cloudwatch.Datum) { d.Timestamp = time.Unix(now.UnixMilli(), 0) }))
	const want = "The parameter MetricData.member.1.Timestamp must specify a time within the past two weeks"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestStore_Metrics_statistics(t *testing.T) {
	s := cloudwatch.New()
	minute := now.Truncate(time.Minute)
	put := func(at time.Time, v float64) {
		t.Helper()
		if err := s.Put(now, datum(func(d *cloudwatch.Datum) { d.Timestamp, d.Value = at, v })); err != nil {
			t.Fatal(err)
		}
	}
	put(minute.Add(30*time.Second+time.Millisecond), 4)
	put(minute.Add(-time.Second), -1) // late, in the minute before
	put(minute.Add(59*time.Second), 2)
	put(minute, 6)
	if err := s.Put(now, datum(func(d *cloudwatch.Datum) { d.Unit = "Count" })); err != nil {
		t.Fatal(err)
	}

	got := s.Metrics()
	if len(got) != 2 || got[0].Unit != "Count" || got[1].Unit != "Percent" {
		t.Fatalf("got %+v, want the name with each unit, sorted", got)
	}
	wantPeriods := []cloudwatch.Period{
		{Start: minute.Add(-time.Minute), SampleCount: 1, Sum: -1, Minimum: -1, Maximum: -1, Average: -1},
		{Start: minute, SampleCount: 3, Sum: 12, Minimum: 2, Maximum: 6, Average: 4},
	}
	if diff := cmp.Diff(wantPeriods, got[1].Periods); diff != "" {
		t.Errorf("periods (-want +got)\n%s", diff)
	}
	wantPoint := cloudwatch.Datapoint{Timestamp: minute.Add(30 * time.Second), Value: 4, Received: now}
	if p := got[1].Datapoints; len(p) != 4 || p[0] != wantPoint {
		t.Errorf("datapoints: got %+v, want 4, the first %+v", p, wantPoint)
	}
	got[1].Datapoints[0].Value = 99
	if again := s.Metrics(); again[1].Datapoints[0].Value != 4 {
		t.Error("Metrics shares its memory with the caller")
	}
}

func TestStore_Put_isBounded(t *testing.T) {
	s := cloudwatch.New()
	const n = max(cloudwatch.MaxDatapoints, cloudwatch.MaxPeriods) + 3
	for i := range n {
		if err := s.Put(now, datum(func(d *cloudwatch.Datum) {
			d.Timestamp = now.Add(time.Duration(
				i-n) * time.Minute)
		})); err != nil {
			t.Fatal(err)
		}
	}
	m := s.Metrics()[0]
	if m.ForgottenDatapoints != n-cloudwatch.MaxDatapoints || m.ForgottenPeriods != n-cloudwatch.MaxPeriods {
		t.Errorf("got %d datapoints and %d periods forgotten", m.ForgottenDatapoints, m.ForgottenPeriods)
	}
	if len(m.Datapoints) != cloudwatch.MaxDatapoints || len(m.Periods) != cloudwatch.MaxPeriods {
		t.Errorf("got %d datapoints and %d periods", len(m.Datapoints), len(m.Periods))
	}
	if last := now.Add(-time.Minute); !m.Datapoints[len(m.Datapoints)-1].Timestamp.Equal(last) ||
		!m.Periods[len(m.Periods)-1].Start.Equal(last.Truncate(time.Minute)) {
		t.Error("the newest is not there")
	}
	for i := range cloudwatch.MaxMetrics {
		err := s.Put(now, datum(func(d *cloudwatch.Datum) { d.Name = fmt.Sprintf("m%d", i) }))
		if (err == nil) != (i < cloudwatch.MaxMetrics-1) {
			t.Fatalf("metric %d: got %v", i+1, err)
		}
	}
}

// A metric is its namespace, name and dimensions, in whatever order these come.
func TestStore_Put_dimensions(t *testing.T) {
	s := cloudwatch.New()
	var taken []cloudwatch.Datum
	s.OnDatum = func(d cloudwatch.Datum) { taken = append(taken, d) }
	put := func(dimensions ...cloudwatch.Dimension) cloudwatch.Datum {
		t.Helper()
		d := datum(func(d *cloudwatch.Datum) { d.Dimensions = dimensions })
		if err := s.Put(now, d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	site, device := cloudwatch.Dimension{Name: "site", Value: "home"}, cloudwatch.Dimension{Name: "device", Value: "pi1"}
	plain := put()
	both, swapped := put(site, device), put(device, site)
	one := put(device)
	if err := s.Put(now, datum(func(d *cloudwatch.Datum) { d.Value = math.NaN() })); err == nil {
		t.Fatal("NaN was taken")
	}

	got := s.Metrics()
	if len(got) != 3 || got[0].Dimensions != nil || len(got[1].Dimensions) != 1 {
		t.Fatalf("got %+v, want three metrics", got)
	}
	if diff := cmp.Diff([]cloudwatch.Dimension{device, site}, got[2].Dimensions); diff != "" ||
		len(got[2].Datapoints) != 2 {
		t.Errorf("got %d datapoints, want 2; dimensions (-want +got)\n%s", len(got[2].Datapoints), diff)
	}
	if both.Key() != swapped.Key() || both.Key() == one.Key() || one.Key() == plain.Key() {
		t.Errorf("keys: got %q, %q, %q, %q", plain.Key(), both.Key(), swapped.Key(), one.Key())
	}
	if len(taken) != 4 || taken[1].Dimensions[0] != site {
		t.Errorf("OnDatum: got %+v, want the four as put", taken)
	}
	got[2].Dimensions[0].Value = "x"
	if again := s.Metrics()[2].Dimensions[0]; again != device {
		t.Error("Metrics shares its memory with the caller")
	}
}
