package encode_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"piway/gateway/encode"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// datums are those of the golden file, a line each.
var datums = []encode.Datum{
	{Device: "kitchen", Name: "cpu usage (kitchen)", Unit: "Percent", Value: 12.5, Time: 1700000000},
	{Device: "kitchen", Name: "memory usage (kitchen)", Unit: "Megabytes", Value: 412, Time: 1700000060},
	{Device: "kitchen", Name: "zero", Unit: "None", Value: 0, Time: 1700000060},
	{Device: "kitchen", Name: "outside", Unit: "None", Value: -3.25, Time: 1700000060},
	{Device: "kitchen", Name: "a third", Unit: "None", Value: 1.0 / 3, Time: 1700000060},
	{Device: "kitchen", Name: "small", Unit: "Seconds", Value: 2.5e-9, Time: 1700000060},
	{Device: "kitchen", Name: "large", Unit: "Bytes", Value: 123456789012345, Time: 1700000060},
	{Device: "kitchen", Name: "huge", Unit: "Bytes", Value: 1e30, Time: 1700000060},
	{Device: "pi-2", Name: `disk "/" \ (pi-2)`, Unit: "Bytes/Second", Value: 1, Time: 1700000060},
}

func TestMetric_golden(t *testing.T) {
	const path = "testdata/metric.jsonl"
	var got bytes.Buffer
	for _, d := range datums {
		b, err := encode.Metric(d)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(append(b, '\n'))
	}
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the wire form changed; if that is meant, change Version and run with -update\ngot:\n%swant:\n%s", got.Bytes(), want)
	}
}

func TestMetric_namesComeThrough(t *testing.T) {
	for _, name := range []string{`a "b"`, `back\slash`, "<&>", "tab\tend", "°C", "/", "{}", "${x}", "'"} {
		b, err := encode.Metric(encode.Datum{Device: "pi", Name: name, Unit: "None"})
		if err != nil {
			t.Fatal(err)
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

func TestMetric_tooLong(t *testing.T) {
	if _, err := encode.Metric(encode.Datum{Name: strings.Repeat("n", encode.MaxPayload)}); err == nil {
		t.Error("got no error for a message over IoT Core's bound")
	}
}
