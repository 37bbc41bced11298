package sample_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/shared/sample"
)

var (
	aCPU  = sample.Sample{Name: "cpu usage", Unit: "Percent", Value: 12.5, Time: 1763791460}
	aLoad = sample.Sample{Name: "load", Unit: "None", Value: 0.5, Time: 1763791460}
)

const (
	cpuText  = `{"name":"cpu usage","unit":"Percent","value":12.5,"time":1763791460}`
	loadText = `{"name":"load","unit":"None","value":0.5,"time":1763791460}`
)

func TestDecode_local(t *testing.T) {
	t.Parallel()
	of := func(local ...sample.Sample) sample.Message {
		return sample.Message{Report: sample.Report{Run: "r", Seq: 7, Samples: []sample.Sample{aCPU}, Local: local}}
	}
	alone := of(aLoad)
	alone.Report.Samples = []sample.Sample{}
	bare := sample.Message{Form: sample.FormBare, Report: sample.Report{Samples: []sample.Sample{aCPU}}}
	array := bare
	array.Form = sample.FormArray
	for name, tt := range map[string]struct {
		payload string
		want    sample.Message
	}{
		"behind":       {`{"run":"r","seq":7,"samples":[` + cpuText + `],"local":[` + loadText + `]}`, of(aLoad)},
		"before":       {`{"local":[` + loadText + `],"run":"r","samples":[` + cpuText + `],"seq":7}`, of(aLoad)},
		"none":         {`{"run":"r","seq":7,"samples":[` + cpuText + `],"local":null}`, of()},
		"empty":        {`{"run":"r","seq":7,"samples":[` + cpuText + `],"local":[]}`, of()},
		"no samples":   {`{"run":"r","seq":7,"samples":[],"local":[` + loadText + `]}`, alone},
		"alone":        {`{"run":"r","seq":7,"local":[` + loadText + `]}`, sample.Message{Report: alone.Report}},
		"of a bare":    {strings.TrimSuffix(cpuText, "}") + `,"local":[{"a":1}]}`, bare},
		"of an array":  {`[` + strings.TrimSuffix(cpuText, "}") + `,"local":[{"a":1}]}]`, array},
		"escaped name": {`{"run":"r","seq":7,"samples":[` + cpuText + `],"loc\u0061l":[` + loadText + `]}`, of(aLoad)},
	} {
		got, err := sample.Decode([]byte(tt.payload))
		if d := cmp.Diff(tt.want, got); err != nil || d != "" {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, d)
		}
	}
}

// A bad local sample costs neither another one nor a sample, and the refusal says which list it was in.
func TestDecode_badLocal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		local string
		taken int
		want  sample.Refusal
	}{
		"a bare NaN": {`[{"name":"a","unit":"None","value":NaN},` + loadText + `]`, 1, sample.Refusal{
			Index: 0, Name: "a", Reason: "value", Error: `value "NaN": ` + noNumber,
		}},
		"a unit": {`[` + loadText + `,{"name":"a","unit":"percent","value":1}]`, 1, sample.Refusal{
			Index: 1, Name: "a", Reason: "unit", Error: `unit "percent": not a CloudWatch unit, did you mean "Percent"?`,
		}},
		"a time": {`[{"name":"a","unit":"None","value":1,"time":"noon"}]`, 0, sample.Refusal{
			Index: 0, Name: "a", Reason: "time", Error: `time "noon": not a time; write seconds since 1970, or a time such as "2026-11-27T05:00:00Z"`,
		}},
		"no object": {`[5,` + loadText + `]`, 1, sample.Refusal{
			Index: 0, Reason: "json", Error: `sample "5": not an object, send one with name, unit and value`,
		}},
		"no array": {`"yes"`, 0, sample.Refusal{Index: -1, Reason: "json", Error: `local "\"yes\"": not an array`}},
	} {
		tt.want.Local = true
		m, err := sample.Decode([]byte(`{"samples":[` + cpuText + `],"local":` + tt.local + `}`))
		if err != nil || len(m.Report.Samples) != 1 || len(m.Report.Local) != tt.taken || m.CountRefused() != 1 {
			t.Errorf("%s: got %+v, %v", name, m, err)
			continue
		}
		if d := cmp.Diff(tt.want, m.Refused[0]); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
		if tt.taken == 1 && tt.want.Index == 0 && m.LocalIndex(0) != 1 {
			t.Errorf("%s: the other one stood at %d, want 1", name, m.LocalIndex(0))
		}
	}
	for _, whole := range []string{
		`{"samples":[],"local":[],"local":[]}`, `{"samples":[],"local":[1}`, `{"local":["a]}`,
		strings.TrimSuffix(cpuText, "}") + `,"local":[NaN]}`,
	} {
		if m, err := sample.Decode([]byte(whole)); err == nil {
			t.Errorf("%s: got %+v", whole, m)
		}
	}
}

// Where both are too many, the samples are taken and the local ones refused: they are the ones that matter less.
func TestDecodeUpTo_local(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ samples, local, taken, takenLocal, refused int }{
		{5, 5, 5, 5, 0}, {10, 0, 10, 0, 0}, {5, 6, 5, 0, 6}, {0, 11, 0, 0, 11}, {11, 3, 0, 0, 14},
	} {
		m, err := sample.DecodeUpTo(fmt.Appendf(nil, `{"local":[%s],"samples":[%s]}`,
			strings.TrimSuffix(strings.Repeat(loadText+",", tt.local), ","),
			strings.TrimSuffix(strings.Repeat(cpuText+",", tt.samples), ",")), 10)
		if err != nil || len(m.Report.Samples) != tt.taken || len(m.Report.Local) != tt.takenLocal ||
			m.CountRefused() != tt.refused || m.Reasons[sample.ReasonSize] != tt.refused {
			t.Errorf("%+v: got %d and %d, refused %v, %v", tt, len(m.Report.Samples), len(m.Report.Local), m.Refused, err)
		}
		whole := sample.Rejection{Refused: m.Refused}.ForSize()
		if want := tt.samples > 10; whole != want {
			t.Errorf("%+v: refused whole for its size: %t", tt, whole)
		}
	}
}

func TestDecode_attributes(t *testing.T) {
	t.Parallel()
	many := "{"
	for i := range 30 {
		many += fmt.Sprintf(`"key %d":"v",`, i)
	}
	many = strings.TrimSuffix(many, ",") + "}"
	for name, tt := range map[string]struct {
		attributes string
		want       map[string]string
		cut        int
	}{
		"two":             {`{"model":"Raspberry Pi 4","serial":"10000000abc"}`, map[string]string{"model": "Raspberry Pi 4", "serial": "10000000abc"}, 0},
		"none":            {`{}`, nil, 0},
		"null":            {`null`, nil, 0},
		"a null":          {`{"a":null,"b":"c"}`, map[string]string{"b": "c"}, 0},
		"no object":       {`["a"]`, nil, 1},
		"no string":       {`{"a":[{"b":1}],"c":"d","e":5}`, map[string]string{"c": "d"}, 2},
		"a long key":      {`{"` + strings.Repeat("k", 41) + `":"v"}`, nil, 1},
		"an empty key":    {`{"":"v"}`, nil, 1},
		"an odd key":      {`{"Küche":"v","a\u0007":"v"}`, nil, 2},
		"a long value":    {`{"a":"` + strings.Repeat("v", 201) + `"}`, map[string]string{"a": strings.Repeat("v", 200)}, 1},
		"a rune is whole": {`{"a":"` + strings.Repeat("ü", 101) + `"}`, map[string]string{"a": strings.Repeat("ü", 100)}, 1},
		"a rune in two":   {`{"a":"x` + strings.Repeat("ü", 101) + `"}`, map[string]string{"a": "x" + strings.Repeat("ü", 99)}, 1},
		"a terminal's":    {`{"a":"\u001b[31mred"}`, map[string]string{"a": "[31mred"}, 1},
	} {
		m, err := sample.Decode([]byte(`{"attributes":` + tt.attributes + `,"samples":[` + cpuText + `]}`))
		if err != nil || len(m.Report.Samples) != 1 || m.AttributesCut != tt.cut {
			t.Errorf("%s: got %+v, %v", name, m, err)
		}
		if d := cmp.Diff(tt.want, m.Report.Attributes); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
	m, err := sample.Decode([]byte(`{"attributes":` + many + `,"samples":[]}`))
	if err != nil || len(m.Report.Attributes) != sample.MaxAttributes || m.AttributesCut != 10 {
		t.Errorf("many: got %+v, %v", m, err)
	}
}

// What an agent encodes is what the gateway decodes, and its bytes are always the same.
func TestReport_JSON_local(t *testing.T) {
	t.Parallel()
	r := sample.Report{
		Run: "r", Seq: 1, Samples: []sample.Sample{aCPU}, Local: []sample.Sample{aLoad},
		Attributes: map[string]string{"serial": "s", "card": "c", "model": "m"},
	}
	text, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"run":"r","seq":1,"samples":[` + cpuText + `],"local":[` + loadText +
		`],"attributes":{"card":"c","model":"m","serial":"s"}}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	m, err := sample.Decode(text)
	if d := cmp.Diff(r, m.Report); err != nil || d != "" {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
}

// Whatever is sent, what a gateway holds of a device is within its bounds.
func FuzzDecode_attributes(f *testing.F) {
	for _, s := range []string{`{"a":"b"}`, `{"a":{"b":[1]},"c":null}`, `"x"`, `{"a":"\u0000\ud800"}`, `{"a":"b","a":"c"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := sample.Decode(append(append([]byte(`{"samples":[],"attributes":`), text...), '}'))
		if err != nil {
			return
		}
		if len(m.Report.Attributes) > sample.MaxAttributes || m.AttributesCut < 0 {
			t.Errorf("got %d, %d cut", len(m.Report.Attributes), m.AttributesCut)
		}
		for k, v := range maps.All(m.Report.Attributes) {
			if len(k) == 0 || len(k) > sample.MaxAttributeKey || len(v) > sample.MaxAttributeValue {
				t.Errorf("%q: %q", k, v)
			}
		}
	})
}
