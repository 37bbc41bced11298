package encode_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"strings"
	"testing"

	"piway/gateway/encode"
	"piway/gateway/pass"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// datums are those of the golden file, a line each.
var datums = []pass.Datum{
	{Device: "kitchen", Name: "cpu usage (kitchen)", Unit: "Percent", Value: 12.5, Time: 1700000000, Samples: 4},
	{Device: "kitchen", Name: "memory usage (kitchen)", Unit: "Megabytes", Value: 412, Time: 1700000060, Samples: 4},
	{Device: "kitchen", Name: "zero", Unit: "None", Value: 0, Time: 1700000060, Samples: 1},
	{Device: "kitchen", Name: "outside", Unit: "None", Value: -3.25, Time: 1700000060, Samples: 1},
	{Device: "kitchen", Name: "a third", Unit: "None", Value: 1.0 / 3, Time: 1700000060, Samples: 3},
	{Device: "kitchen", Name: "small", Unit: "Seconds", Value: 2.5e-9, Time: 1700000060, Samples: 1},
	{Device: "kitchen", Name: "large", Unit: "Bytes", Value: 123456789012345, Time: 1700000060, Samples: 1},
	{Device: "kitchen", Name: "huge", Unit: "Bytes", Value: 1e30, Time: 1700000060, Samples: 1},
	{Device: "pi-2", Name: `disk "/" \ (pi-2)`, Unit: "Bytes/Second", Value: 1, Time: 1700000060, Samples: 60},
}

func TestMetric_golden(t *testing.T) {
	var got bytes.Buffer
	for _, payload := range messages(t, encode.Metric, datums) {
		got.Write(append(payload, '\n'))
	}
	golden(t, "testdata/metric.jsonl", got.Bytes())
}

// golden holds what was made to a file.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the wire form changed; if that is meant, change its version and run with -update\ngot:\n%swant:\n%s", got,
			want)
	}
}

// messages packs all datums, of which none is to be refused.
func messages(t *testing.T, form encode.Form, datums []pass.Datum) [][]byte {
	t.Helper()
	var all [][]byte
	for len(datums) > 0 {
		payload, n, err := form(datums)
		if err != nil || n < 1 || n > len(datums) {
			t.Fatalf("got a message of %d datums and error %v, with %d at hand", n, err, len(datums))
		}
		all, datums = append(all, payload), datums[n:]
	}
	return all
}

func TestMetric_namesComeThrough(t *testing.T) {
	for _, name := range []string{`a "b"`, `back\slash`, "<&>", "/", "{}", "${x}", "'", strings.Repeat("<", 255)} {
		b, n, err := encode.Metric([]pass.Datum{{Device: "pi", Name: name, Unit: "None", Samples: 1}})
		if err != nil || n != 1 {
			t.Fatalf("got %d, %v", n, err)
		}
		var got map[string]string // every field is a string
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if got["name"] != name {
			t.Errorf("got %q, want %q", got["name"], name)
		}
	}
}

// unsendable are datums that CloudWatch would refuse, by what the error says of them.
func unsendable() map[string]pass.Datum {
	with := func(change func(*pass.Datum)) pass.Datum {
		d := pass.Datum{Device: "pi", Name: "m", Unit: "None", Time: 1700000000, Samples: 1}
		change(&d)
		return d
	}
	return map[string]pass.Datum{
		"CloudWatch takes 255":      with(func(d *pass.Datum) { d.Name = strings.Repeat("n", 256) }),
		"name \"\"":                 with(func(d *pass.Datum) { d.Name = "" }),
		"not printable":             with(func(d *pass.Datum) { d.Name = "a\nb" }),
		"not a CloudWatch":          with(func(d *pass.Datum) { d.Unit = "percent" }),
		"not a finite":              with(func(d *pass.Datum) { d.Value = math.NaN() }),
		"out of CloudWatch's":       with(func(d *pass.Datum) { d.Value = math.Ldexp(1, 361) }),
		"not in seconds":            with(func(d *pass.Datum) { d.Time = 1700000000000 }),
		"since 1970":                with(func(d *pass.Datum) { d.Time = -1 }),
		"made of 0":                 with(func(d *pass.Datum) { d.Samples = 0 }),
		"made of 1000000001":        with(func(d *pass.Datum) { d.Samples = 1e9 + 1 }),
		"blank":                     with(func(d *pass.Datum) { d.Device = " " }),
		"more than 255":             with(func(d *pass.Datum) { d.Device = strings.Repeat("d", 256) }),
		`device "Küche"`:            with(func(d *pass.Datum) { d.Device = "Küche" }),
		"not a finite number among": with(func(d *pass.Datum) { d.Values = []float64{1, math.Inf(1)} }),
		"101 values":                with(func(d *pass.Datum) { d.Values = make([]float64, 101) }),
	}
}

// What cannot be sent is one datum, and the ones behind it go.
func TestForms_refuse(t *testing.T) {
	good := pass.Datum{Device: "pi", Name: "m", Unit: "None", Time: 1700000000, Samples: 1}
	for form, pack := range forms() {
		for why, bad := range unsendable() {
			payload, n, err := pack([]pass.Datum{bad, good})
			if payload != nil || n != 1 || err == nil {
				t.Errorf("%s, %s: got %s of %d and error %v, want an error for 1", form, why, payload, n, err)
			} else if form == "emf" && !strings.Contains(err.Error(), strings.TrimSuffix(why, " among")) {
				t.Errorf("%s: got %v", why, err)
			}
			if payload, n, err := pack([]pass.Datum{good, bad, good}); payload == nil || n != 1 || err != nil {
				t.Errorf("%s, %s behind a good one: got %d and error %v, want a message of 1", form, why, n, err)
			}
		}
		if payload, n, err := pack(nil); payload != nil || n != 0 || err != nil {
			t.Errorf("%s of nothing: got %s, %d, %v", form, payload, n, err)
		}
	}
}

func TestMetric_oneValue(t *testing.T) {
	d := pass.Datum{Device: "pi", Name: "m", Unit: "None", Values: []float64{1}, Samples: 1}
	if _, n, err := encode.Metric([]pass.Datum{d}); n != 1 || err == nil || !strings.Contains(err.Error(), "uplink.form") {
		t.Errorf("got %d, %v, want an error that says where values go", n, err)
	}
}
