package intake_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"piway/gateway/intake"
	"piway/shared/sample"
)

// An outcome is what should become of one message.
type outcome struct {
	taken  map[string]float64 // values, by name
	time   float64            // of what was taken
	reason string             // of the one refusal, "" for none
	says   []string           // in its words
	not    []string           // not in them
}

// seen is a value that is taken as 1 unless it is said.
func seen(name string) map[string]float64 { return map[string]float64{name: 1} }

// What devices in the field send, and what becomes of it: testdata/field has the messages.
var field = map[string]outcome{
	"01-bom":          {taken: seen("p01 (kitchen)")},
	"03-trailing-nul": {taken: seen("p03 (kitchen)")},
	"07-plusbare":     {reason: sample.ReasonValue, says: []string{`value "+12.5"`, "plus sign", `"value": 12.5`}},
	"13-nan-python":   {reason: sample.ReasonValue, says: []string{"not a number that CloudWatch takes", "leave the reading out"}},
	"14-inf-python":   {reason: sample.ReasonValue, says: []string{"not a number that CloudWatch takes", "leave the reading out"}},
	"16-single-quotes": {
		reason: sample.ReasonJSON, says: []string{"not JSON at byte 1", "single quotes", `"name"`},
	},
	"26-value-with-unit": {
		reason: sample.ReasonValue, says: []string{`value "45.2'C"`, `"value": 45.2`, `"unit": "None"`},
	},
	"27-value-percent": {reason: sample.ReasonValue, says: []string{`value "12%"`, `"value": 12 `, `"unit": "Percent"`}},
	"28-thousands": {
		reason: sample.ReasonValue, says: []string{`value "1,234.5"`, `"value": 1234.5`}, not: []string{"1.234", "decimal"},
	},
	"33-ts-iso":      {taken: seen("p33 (kitchen)"), time: 1795755600},
	"36-ts-2038":     {reason: intake.ReasonFuture, says: []string{"timestamp 2147483648", "2038-01-19T03:14:08Z", "h ahead"}},
	"39-unit-null":   {reason: sample.ReasonUnit, says: []string{`unit "null"`, `"None"`}},
	"40-dupkey":      {reason: sample.ReasonJSON, says: []string{`"/value" is there twice`, "once"}},
	"43-ndjson":      {reason: sample.ReasonJSON, says: []string{"two JSON texts", "array"}},
	"44-caps-keys":   {reason: sample.ReasonJSON, says: []string{`"Name" as "name"`, `"Unit" as "unit"`, `"Value" as "value"`}},
	"45-cw-names":    {reason: sample.ReasonJSON, says: []string{`"MetricName" as "name"`, `"Unit" as "unit"`, `"Value" as "value"`}},
	"47-bare-number": {reason: sample.ReasonJSON, says: []string{`{"name": "NAME", "unit": "None", "value": 23.5}`}},
	"46-double-encoded": {
		reason: sample.ReasonJSON, says: []string{"a JSON text inside a string", "without the quotes"},
	},
	"51-name-trailing-space": {taken: seen("p51 (kitchen)")},
	"56-nbsp-value":          {taken: map[string]float64{"p56 (kitchen)": 12.5}},
	"66-comma-text": {
		reason: sample.ReasonValue, says: []string{`value "sensor error, retry": not a number`}, not: []string{"comma"},
	},
	"68-ms-as-string": {taken: seen("p68 (kitchen)"), time: 1763791460.123},
	"76-unit-persec":  {reason: sample.ReasonUnit, says: []string{`unit "KB/s"`, `"Kilobytes/Second"`, "× 1"}},
	"78-unit-kib":     {reason: sample.ReasonUnit, says: []string{`unit "KiB"`, `"Kilobytes"`, "× 1.024"}},
	"80-empty-obj":    {reason: sample.ReasonJSON, says: []string{"name, unit and value: missing", `{"name":`}},
	"106-mixed-array": {
		taken: map[string]float64{"ok1 (kitchen)": 1, "ok2 (kitchen)": 2}, reason: sample.ReasonJSON,
		says: []string{"oops", "not an object"},
	},
	"109-dup-in-neighbour": {
		taken: seen("ok4 (kitchen)"), reason: sample.ReasonJSON, says: []string{"/name", "twice"},
	},
	"110-nan-in-neighbour": {taken: seen("ok5 (kitchen)"), reason: sample.ReasonValue, says: []string{"NaN"}},
}

// noon is later than what the field's messages are dated.
var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func TestIntake_Judge_field(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/field/*.json")
	if err != nil || len(files) != len(field) {
		t.Fatalf("%d files, %v; want %d", len(files), err, len(field))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { field[name].check(t, text) })
	}
}

// Each of them that is one object costs nothing else between two that are good.
func TestIntake_Judge_field_neighbours(t *testing.T) {
	t.Parallel()
	const good = `{"name":"n","unit":"None","value":7}`
	for name, want := range field {
		text, err := os.ReadFile("testdata/field/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if text[0] != '{' || name == "43-ndjson" || name == "03-trailing-nul" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			want.taken = maps.Clone(want.taken)
			if want.taken == nil {
				want.taken = map[string]float64{}
			}
			want.taken["n"] = 7
			if strings.HasPrefix(want.reason, sample.ReasonJSON) {
				want.reason = "any"
			}
			want.says = slices.DeleteFunc(slices.Clone(want.says), func(s string) bool { return strings.Contains(s, "at byte") })
			want.check(t, []byte("["+good+","+strings.TrimSpace(string(text))+","+good+"]"))
		})
	}
}

// check judges a message as the gateway does. All that was sent is in the account.
func (want outcome) check(t *testing.T, text []byte) {
	t.Helper()
	cfg := settings()
	cfg.MaxMetrics, cfg.IsDevice = 10, func(name string) bool { return name == "kitchen" }
	v := intake.New(cfg).Judge("kitchen", text, came(noon))
	got := map[string]float64{}
	for _, s := range v.Samples {
		got[s.Name] = s.Value
		if want.time != 0 && s.Name != "n" && s.Time != want.time {
			t.Errorf("%s is dated %f, want %f", s.Name, s.Time, want.time)
		}
	}
	if !maps.Equal(got, want.taken) && len(got)+len(want.taken) > 0 {
		t.Errorf("took %v, want %v", got, want.taken)
	}
	if want.reason == "" {
		if v.CountRefused() != 0 {
			t.Errorf("refused %+v", v.Refused)
		}
		return
	}
	if v.CountRefused() != 1 || want.reason != "any" && v.Reasons[want.reason] != 1 {
		t.Fatalf("refused %v, want one %s", v.Reasons, want.reason)
	}
	says := v.Refused[0].Error
	for _, s := range want.says {
		if !strings.Contains(says, s) {
			t.Errorf("got %s, want …%s…", says, s)
		}
	}
	for _, s := range want.not {
		if strings.Contains(says, s) {
			t.Errorf("got %s, want no %s", says, s)
		}
	}
}

// A refusal by the gateway's clock names the member that was sent, and the time as people read it.
func TestIntake_Judge_namesTheTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ sample, want string }{
		{bare("x", `,"time":2147483648`), "time 2147483648 (2038-01-19T03:14:08Z): "},
		{bare("x", `,"timestamp":2147483648`), "timestamp 2147483648 (2038-01-19T03:14:08Z): "},
		{bare("x", `,"timestamp":"2038-01-19T03:14:08Z"`), "timestamp 2147483648 (2038-01-19T03:14:08Z): "},
		{bare("x", `,"timestamp":2147483648000`), "timestamp 2147483648 (2038-01-19T03:14:08Z): "},
		{bare("x", `,"timestamp":"9999-12-31T23:59:59Z"`), "timestamp 253402300799: beyond the year 5138"},
		{bare("x", `,"timestamp":86400`), "timestamp 86400 (1970-01-02T00:00:00Z): the clock was not set"},
		{bare("x", `,"timestamp":-5`), "timestamp -5 (1969-12-31T23:59:55Z): the clock was not set"},
		{bare("x", `,"timestamp":"1970-01-01T00:00:00Z"`), "timestamp 0 (1970-01-01T00:00:00Z): the clock was not set"},
		{bare("x", `,"timestamp":1800000000123456`), `timestamp "1800000000123456": in microseconds`},
		{bare("x", `,"timestamp":"2026-11-27T05:00:00"`), `timestamp "2026-11-27T05:00:00": without a zone`},
	} {
		good := bare("y", `,"timestamp":1799999999`)
		v := intake.New(settings()).Judge("pi1", []byte("["+good+","+bare("z", "")+","+tt.sample+"]"), came(arrival))
		if len(v.Refused) != 1 || !strings.HasPrefix(v.Refused[0].Error, tt.want) || v.Refused[0].Index != 2 {
			t.Errorf("%s: got %+v, want %s", tt.sample, v.Refused, tt.want)
		}
	}
}
