package salvage

import "testing"

// A thinned report is salvaged if it is such as thinning writes, and counts the samples that its row does.
func TestFields_report_thinned(t *testing.T) {
	const blob = `{"thinned":[{"name":"a","unit":"Count","time":1.8e9,"n":3,"sum":6,"min":1,"max":3,"last":3,"last_time":1.8e9},` +
		`{"name":"b","unit":"","time":1.8e9,"n":2,"sum":2,"min":1,"max":1,"last":1,"last_time":1.8e9}]}`
	row := func(blob string, n int64) fields {
		return fields{
			"id": int64(1), "device": "kitchen", "seq": int64(0), "pass": int64(1.8e9), "n": n,
			"samples": []byte(blob),
		}
	}
	if !row(blob, 5).report() {
		t.Error("a thinned report is refused")
	}
	for name, f := range map[string]fields{
		"another count": row(blob, 4),
		"no summary":    row(`{"thinned":[]}`, 0),
		"cut off":       row(blob[:len(blob)-3], 5),
		"a foreign name": row(`{"thinned":[{"name":"`+"\x01"+
			`","unit":"Count","time":1,"n":1,"sum":1,"min":1,"max":1,"last":1,"last_time":1}]}`, 1),
		"a sum of nothing": row(
			`{"thinned":[{"name":"a","unit":"Count","time":1,"n":0,"sum":1,"min":1,"max":1,"last":1,"last_time":1}]}`, 0),
	} {
		if f.report() {
			t.Errorf("%s: taken", name)
		}
	}
}

// A metric is salvaged with a name and a unit of CloudWatch's.
func TestFields_metric(t *testing.T) {
	for _, tt := range []struct {
		name, unit string
		want       bool
	}{{"cpu", "Percent", true}, {"", "Percent", false}, {"a\x01", "Percent", false}, {"cpu", "percents", false}} {
		if got := (fields{"device": "kitchen", "name": tt.name, "unit": tt.unit}).metric(); got != tt.want {
			t.Errorf("%q in %q: got %t", tt.name, tt.unit, got)
		}
	}
}
