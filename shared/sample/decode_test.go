package sample_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/shared/sample"
)

func TestDecode_forms(t *testing.T) {
	cpu := sample.Sample{Name: "cpu usage", Unit: "Percent", Value: 12.5, Time: 1763791460}
	bare := sample.Sample{Name: "cpu usage (pi1)", Unit: "Percent", Value: 12.5}
	for _, tc := range []struct {
		name, payload string
		want          sample.Message
	}{
		{
			"report",
			`{"device":"kitchen","run":"9c1d","seq":42,"boot":"0f8e","uptime":5021.7,"sent":1763791460.25,"sent_uptime":5022.5,"clock":"synced","samples":[{"name":"cpu usage","unit":"Percent","value":12.5,"time":1763791460}]}`,
			sample.Message{Report: sample.Report{
				Device: "kitchen", Run: "9c1d", Seq: 42, Boot: "0f8e", Uptime: 5021.7, Sent: 1763791460.25, SentUptime: 5022.5,
				Clock:   "synced",
				Samples: []sample.Sample{cpu},
			}},
		},
		{"report without samples", `{"samples":[]}`, sample.Message{Report: sample.Report{Samples: []sample.Sample{}}}},
		{
			"the recipe's object", `{"name": "cpu usage (pi1)", "unit": "Percent", "value": "12.5"}`,
			sample.Message{Form: sample.FormBare, Report: sample.Report{Samples: []sample.Sample{bare}}},
		},
		{
			"the recipe's awk: spaces and lines", "{\n \"name\": \"cpu usage (pi1)\",\n\t\"unit\": \"Percent\",\r\n\"value\": " +
				"\" 12.5 \"\n}\n",
			sample.Message{Form: sample.FormBare, Report: sample.Report{Samples: []sample.Sample{bare}}},
		},
		{
			"timestamp as text", `{"name":"cpu usage","unit":"Percent","value":12.5,"timestamp":"1763791460"}`,
			sample.Message{Form: sample.FormBare, Report: sample.Report{Samples: []sample.Sample{cpu}}, Timestamped: []int{0}},
		},
		{
			"array", `[{"name":"cpu usage","unit":"Percent","value":12.5,"timestamp":1763791460},{"name":"cpu usage (pi1)","unit":"Percent","value":12.5}]`,
			sample.Message{
				Form: sample.FormArray, Report: sample.Report{Samples: []sample.Sample{cpu, bare}}, Timestamped: []int{0},
			},
		},
		{
			"unknown members are ignored", `{"host":"pi1","tags":{"a":1},"samples":[{"name":"cpu usage","unit":"Percent","value":12.5,"time":1763791460,"x":null}]}`,
			sample.Message{Report: sample.Report{Samples: []sample.Sample{cpu}}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := sample.Decode([]byte(tc.payload))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Decode(%s) (-want +got):\n%s", tc.payload, diff)
			}
		})
	}
}

// What is advised often.
const (
	example   = `{"name": "cpu usage", "unit": "Percent", "value": 12.5}`
	notNumber = "not a number; write it in digits, and send nothing where there is no reading"
	noNumber  = "not a number that CloudWatch takes; leave the reading out"
)

func TestDecode_refusesASampleAndKeepsItsNeighbours(t *testing.T) {
	for _, tc := range []struct{ name, bad, reason, want string }{
		{
			"unit in lower case", `{"name":"a","unit":"percent","value":1}`, "unit",
			`unit "percent": not a CloudWatch unit, did you mean "Percent"?`,
		},
		{
			"unit abbreviated", `{"name":"a","unit":"MB","value":1}`, "unit",
			`unit "MB": not a CloudWatch unit, did you mean "Megabytes"? The value stays as it is (× 1)`,
		},
		{
			"unit unheard of", `{"name":"a","unit":"furlongs","value":1}`, "unit",
			`unit "furlongs": not a CloudWatch unit, use "None" for what has none`,
		},
		{"unit missing", `{"name":"a","value":1}`, "unit", `unit: missing; write one of CloudWatch's, "unit": "None" for what has none`},
		{"unit a number", `{"name":"a","unit":1,"value":1}`, "unit", `unit "1": not a string, write one of CloudWatch's, "None" for what has none`},
		{
			"value empty", `{"name":"a","unit":"None","value":""}`, "value",
			`value "": empty, the reading failed in the script; send nothing instead`,
		},
		{
			"value spaces", `{"name":"a","unit":"None","value":"  "}`, "value",
			`value "": empty, the reading failed in the script; send nothing instead`,
		},
		{"value missing", `{"name":"a","unit":"None"}`, "value", `value: missing; send an object such as ` + example},
		{"value null", `{"name":"a","unit":"None","value":null}`, "value", `value "null": no reading; send nothing instead`},
		{"value an object", `{"name":"a","unit":"None","value":{"v":1}}`, "value", `value "{\"v\":1}": not a number; write the number itself, and each other reading as a sample of its own`},
		{"value a word", `{"name":"a","unit":"None","value":"hot"}`, "value", `value "hot": ` + notNumber},
		{"value NaN", `{"name":"a","unit":"None","value":"NaN"}`, "value", `value "NaN": ` + noNumber},
		{"value Inf", `{"name":"a","unit":"None","value":"Inf"}`, "value", `value "Inf": ` + noNumber},
		{"value hexadecimal", `{"name":"a","unit":"None","value":"0x1p3"}`, "value", `value "0x1p3": ` + notNumber},
		{"value of two words", `{"name":"a","unit":"None","value":"4 5"}`, "value", `value "4 5": ` + notNumber},
		{
			"value with a comma", `{"name":"a","unit":"None","value":"12,5"}`, "value",
			`value "12,5": decimal comma, write "value": 12.5 (LC_ALL=C in the script)`,
		},
		{
			"value out of range", `{"name":"a","unit":"None","value":1e300}`, "value",
			`value 1e+300: out of CloudWatch's range, -2^360 to 2^360`,
		},
		{
			"value beyond a double", `{"name":"a","unit":"None","value":1e999}`, "value",
			`value "1e999": out of CloudWatch's range, -2^360 to 2^360`,
		},
		{"name missing", `{"unit":"None","value":1}`, "name", `name: missing; send an object such as ` + example},
		{"name empty", `{"name":" ","unit":"None","value":1}`, "name", `name " ": empty, give 1 to 255 characters`},
		{
			"name with a colon first", `{"name":":a","unit":"None","value":1}`, "name",
			`name ":a": starts with a colon, which CloudWatch refuses; leave it out`,
		},
		{
			"name with an umlaut", `{"name":"Küche","unit":"None","value":1}`, "name",
			`name "Küche": 'ü' is not printable ASCII, the only characters that are safe in CloudWatch; write another`,
		},
		{
			"name with a control character", `{"name":"a\nb","unit":"None","value":1}`, "name",
			`name "a\nb": '\n' is not printable ASCII, the only characters that are safe in CloudWatch; write another`,
		},
		{"name too long", `{"name":"` + strings.Repeat("n", 256) + `","unit":"None","value":1}`, "name", `name "` +
			strings.Repeat("n", 60) + `"…: 256 characters, CloudWatch takes 255; shorten it`},
		{"not an object", `1`, "json", `sample "1": not an object, send one with name, unit and value`},
		{"a string", `"off, it is"`, "json", `sample "\"off, it is\"": not an object, send one with name, unit and value`},
		{
			"an array", `[{"name":"a","unit":"None","value":1}]`, "json",
			`sample "[{\"name\":\"a\",\"unit\":\"None\",\"value\":1}]": not an object, send one with name, unit and value`,
		},
		{"nothing", ` `, "json", `not JSON at byte 51: nothing, there is a comma too many`},
		{
			"a member twice", `{"name":"a","name":"a","unit":"None","value":1}`, "json",
			`not JSON at byte 62: "/name" is there twice, send it once`,
		},
		{
			"a member twice, deep", `{"name":"a","unit":"None","value":1,"x":[{"y":1,"y":2}]}`, "json",
			`not JSON at byte 98: "/x/0/y" is there twice, send it once`,
		},
		{
			"bare NaN", `{"name":"a","unit":"None","value":NaN}`, "value", `value "NaN": ` + noNumber,
		},
		{
			"bare -Infinity", `{"name":"a","unit":"None","value": -Infinity }`, "value", `value "-Infinity": ` + noNumber,
		},
		{
			"bare nan", `{"name":"a","unit":"None","value":nan}`, "value", `value "nan": ` + noNumber,
		},
		{
			"bare NaN, deep", `{"name":"a","unit":"None","value":1,"x":{"y":[1,NaN]}}`, "json",
			`not JSON at byte 98: "/x/y/1" is NaN, which is no number; send nothing instead`,
		},
		{
			"a word", `{"name":"a","unit":"None","value":off}`, "value",
			`value "off": a state, not a number; send 1 for one and 0 for the other`,
		},
		{"bad UTF-8", "{\"name\":\"\xff\",\"unit\":\"None\",\"value\":1}", "json", `not JSON at byte 59: not UTF-8; send UTF-8, not Latin-1 or the like`},
		{
			"a line break in a string", "{\"name\":\"a\n\",\"unit\":\"None\",\"value\":1}", "json",
			`not JSON at byte 60: '\n', a control character, in a string; write it as an escape, such as \n`,
		},
		{
			"the wrong bracket", `{"name":"a","unit":"None","value":1]`, "json",
			`not JSON at byte 85: invalid character ']' after object value (expecting ',' or '}')`,
		},
		{
			"deep", `{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, "json",
			`not JSON at byte 154: nested more than 100 deep`,
		},
		{"a huge number", `{"name":"a","unit":"None","value":` + strings.Repeat("9", 100_000) + `}`, "value", `value "` +
			strings.Repeat("9", 60) + `"…: out of CloudWatch's range, -2^360 to 2^360`},
		{"time a word", `{"name":"a","unit":"None","value":1,"time":"noon"}`, "time", `time "noon": not a time; ` +
			`write seconds since 1970, or a time such as "2026-11-27T05:00:00Z"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			payload := `{"samples":[{"name":"x","unit":"Count","value":1},` + tc.bad + `,{"name":"y","unit":"Count","value":2}]}`
			m, err := sample.Decode([]byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Report.Samples) != 2 || m.Report.Samples[0].Name != "x" || m.Report.Samples[1].Name != "y" {
				t.Errorf("neighbours: got %+v, want x and y", m.Report.Samples)
			}
			if len(m.Refused) != 1 {
				t.Fatalf("got %d refusals, want 1: %+v", len(m.Refused), m.Refused)
			}
			if m.CountRefused() != 1 || m.Reasons[tc.reason] != 1 {
				t.Errorf("counted %v, want one %s", m.Reasons, tc.reason)
			}
			if r := m.Refused[0]; r.Index != 1 || r.Reason != tc.reason || r.Error != tc.want {
				t.Errorf("got  %d %s %s\nwant 1 %s %s", r.Index, r.Reason, r.Error, tc.reason, tc.want)
			}
		})
	}
}

func TestDecode_refusesTheWhole(t *testing.T) {
	for _, tc := range []struct{ name, payload, want string }{
		{"empty", ``, `empty payload, send a JSON object`},
		{"not JSON", `cpu 12`, `not JSON at byte 0`},
		{"cut off", `{"name":"a","unit":"None","val`, `not JSON at byte`},
		{"a number", `12`, `payload "12": not a JSON object or array`},
		{
			"an object of something else", `{"temperature":21}`,
			`name, unit and value: missing; write {"name": "temperature", "unit": "None", "value": 21}`,
		},
		{
			"duplicate key", `{"name":"a","name":"b","unit":"None","value":1}`,
			`not JSON at byte 12: "/name" is there twice, send it once`,
		},
		{
			"duplicate key that is not known", `{"x":1,"name":"a","unit":"None","value":1,"x":1}`,
			`not JSON at byte 42: "/x" is there twice`,
		},
		{"bad UTF-8 in what is not known", "{\"samples\":[],\"x\":{\"y\":[\"\xff\"]}}", `not JSON at byte`},
		{"duplicate key in an envelope", `{"seq":1,"samples":[{}],"seq":1}`, `not JSON at byte 24: "/seq" is there twice`},
		{
			"NaN in an envelope", `{"samples":[{},{}],"uptime":NaN}`,
			`not JSON at byte 28: "/uptime" is NaN, which is no number`,
		},
		{"two arrays of samples", `{"samples":[],"samples":[]}`, `not JSON at byte 14: "/samples" is there twice`},
		{
			"an array and no array of samples", `{"samples":[{}],"samples":7}`,
			`not JSON at byte 16: "/samples" is there twice`,
		},
		{"cut off in a sample", `{"samples":[{"name":"a"},{"name":"b`, `not JSON at byte 35: it ends too early`},
		{"a string without an end", `[{"name":"a},{"name":"b"}]`, `not JSON at byte`},
		{"another bracket at the end", `[{"name":"a"}}`, `not JSON at byte 13`},
		{"something behind an array", `[{"name":"a"}] 1`, `not JSON at byte 15`},
		{"something behind a report", `{"samples":[{"name":"a"}]} 1`, `not JSON at byte 27`},
		{"brackets", strings.Repeat("[", 256<<10), `not JSON at byte 100: nested more than 100 deep`},
		{"bad UTF-8", "{\"name\":\"a\xff\",\"unit\":\"None\",\"value\":1}", `not JSON at byte`},
		{"empty array", `[]`, `empty array, send at least one sample`},
		{"samples not an array", `{"samples":7}`, `samples "7": not an array`},
		{"run not a string", `{"run":7,"samples":[]}`, `run "7": not a string`},
		{"run too long", `{"run":"` + strings.Repeat("r", 65) + `","samples":[]}`, `longer than 64 characters`},
		{"seq not whole", `{"seq":1.5,"samples":[]}`, `seq 1.5: not a whole number`},
		{"seq negative", `{"seq":-1,"samples":[]}`, `seq -1: not a whole number`},
		{"sent not a number", `{"sent":"now","samples":[]}`, `sent: "now" is not a number`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := sample.Decode([]byte(tc.payload))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Decode(%q): got %v, want %q", tc.payload, err, tc.want)
			}
		})
	}
}

func TestReport_JSON_isTheDocumentedForm(t *testing.T) {
	r := sample.Report{
		Device: "kitchen", Run: "9c1d", Seq: 42, Boot: "0f8e", Uptime: 5021.7, Sent: 1763791460.25, Clock: "synced",
		Samples: []sample.Sample{{Name: "cpu usage", Unit: "Percent", Value: 12.5, Time: 1763791460}},
	}
	got, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/report.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
		t.Errorf("wire form (-want +got):\n%s", diff)
	}
}

func TestFormatValue_readsBack(t *testing.T) {
	for v, want := range map[float64]string{
		12.5: "12.5", 45: "45", 0: "0", -3: "-3", 0.1: "0.1", 1e21: "1e+21", 1e-7: "1e-07", 123456789.25: "123456789.25",
	} {
		if got := sample.FormatValue(v); got != want {
			t.Errorf("FormatValue(%v): got %q, want %q", v, got, want)
		}
	}
	if v, err := sample.ParseValue("-0"); err != nil || math.Signbit(v) {
		t.Errorf(`ParseValue("-0"): got %v, %v, want plain 0`, v, err)
	}
}

func TestUnits_are27(t *testing.T) {
	n := 0
	for _, per := range []string{"", "/Second"} {
		for u := range strings.FieldsSeq("Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes " +
			"Bits Kilobits Megabits Gigabits Terabits Percent Count None") {
			if sample.IsUnit(u + per) {
				n++
			}
		}
	}
	if n != 27 {
		t.Errorf("got %d units, want CloudWatch's 27", n)
	}
}

// FuzzDecode holds Decode to its contract on hostile bytes: whatever passes is within the limits and survives the disk
// form.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"device":"k","run":"9c","seq":42,"samples":[{"name":"a","unit":"None","value":1,"time":1}]}`,
		`{"name": "cpu usage (pi1)", "unit": "Percent", "value": " 12.5 "}`,
		`[{"name":"a","unit":"None","value":"1e5","timestamp":"7"}]`, `{"samples":[{},{"name":1}]}`, `[[]]`,
		`{"samples":null}`, `[{"value":NaN},,"x",{"name":"a","name":"b"}]`, "\x00", `{"name":"\ud800"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := sample.Decode(payload)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
			return
		}
		if m.CountRefused() == 0 && !json.Valid(padding(payload)) {
			t.Errorf("accepted what is not JSON: %q", payload)
		}
		for _, r := range m.Refused {
			if len(r.Error) > 1000 || len(r.Name) > 1000 {
				t.Errorf("a refusal of %d bytes", len(r.Error)+len(r.Name))
			}
		}
		for _, s := range m.Report.Samples {
			if e := fmt.Sprint(sample.CheckName(s.Name), sample.CheckUnit(s.Unit),
				sample.CheckValue(s.Value)); e != "<nil> <nil> <nil>" {
				t.Errorf("accepted %+v: %s", s, e)
			}
		}
		b, err := sample.EncodeSamples(m.Report.Samples)
		if err != nil {
			t.Fatalf("accepted samples cannot be kept: %v", err)
		}
		back, err := sample.DecodeSamples(b)
		if err != nil || (len(back) > 0 && !cmp.Equal(back, m.Report.Samples)) {
			t.Errorf("read back %v, %v, want %v", back, err, m.Report.Samples)
		}
	})
}

// padding takes off what may stand around a payload.
func padding(payload []byte) []byte {
	return bytes.TrimRight(bytes.TrimLeft(payload, "\ufeff\x00"), "\x00\x1a \t\r\n")
}

func BenchmarkDecode(b *testing.B) {
	payload := []byte(`{"device":"kitchen","run":"9c1d","seq":42,"boot":"0f8e","uptime":5021.7,"sent":1763791460.25,"clock":"synced","samples":[{"name":"cpu usage","unit":"Percent","value":12.5,"time":1763791460},{"name":"cpu temperature","unit":"None","value":48.3,"time":1763791460},{"name":"memory usage","unit":"Megabytes","value":412.25,"time":1763791460},{"name":"disk usage /","unit":"Percent","value":61.2,"time":1763791460}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sample.Decode(payload); err != nil {
			b.Fatal(err)
		}
	}
}

// What is refused costs little too: all of it is looked at, and ten of them are told.
func BenchmarkDecode_refused(b *testing.B) {
	for name, one := range map[string]string{
		"word":    `{"name":"cpu usage","unit":"Percent","value":hot}`,
		"missing": `{"temperature":21.5,"humidity":40}`,
		"comma":   `{"name":"cpu usage","unit":"Percent","value":"12,5"}`,
		"unit":    `{"name":"cpu usage","unit":"furlongs/s","value":"12"}`,
		"time":    `{"name":"cpu usage","unit":"Percent","value":1,"timestamp":"2026-11-27T05:00:00"}`,
		"a":       `a`,
	} {
		payload := []byte("[" + strings.Repeat(one+",", 999) + one + "]")
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if m, err := sample.Decode(payload); err != nil || m.CountRefused() != 1000 {
					b.Fatal(m.Reasons, err)
				}
			}
		})
	}
}
