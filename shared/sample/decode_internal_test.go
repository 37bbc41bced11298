package sample

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"piway/shared/sample/scan"
)

// plainObject and plainSample are what the library decodes a message into.
type plainObject struct {
	plainSample
	Device  text           `json:"device"`
	Run     text           `json:"run"`
	Seq     number         `json:"seq"`
	Boot    text           `json:"boot"`
	Uptime  number         `json:"uptime"`
	SentUp  number         `json:"sent_uptime"`
	Sent    number         `json:"sent"`
	Clock   text           `json:"clock"`
	Samples *[]plainSample `json:"samples"`
	Local   plainLocal     `json:"local"`

	Attributes attributes `json:"attributes"`
}

type plainSample struct {
	Name      text   `json:"name"`
	Unit      text   `json:"unit"`
	Value     number `json:"value"`
	Time      number `json:"time"`
	Timestamp number `json:"timestamp"`
}

func (t *text) UnmarshalJSONFrom(dec *jsontext.Decoder) error { return t.read(dec) }

func (a *attributes) UnmarshalJSONFrom(dec *jsontext.Decoder) error { return a.read(dec) }

// plainLocal are local samples, or something else.
type plainLocal struct {
	list
	all []plainSample
}

func (p *plainLocal) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '[' {
		return p.read(dec)
	}
	p.set = true
	return json.UnmarshalDecode(dec, &p.all)
}

func (p *plainSample) wire() *wireSample {
	return &wireSample{name: p.Name, unit: p.Unit, value: p.Value, time: p.Time, timestamp: p.Timestamp}
}

// decodeWhole is Decode by nothing but the library, which decodes all at once.
func decodeWhole(payload []byte) (m Message, ok bool) {
	var all []plainSample
	if jsontext.Value(payload).Kind() == '[' {
		m.Form = FormArray
		if json.Unmarshal(payload, &all) != nil || len(all) == 0 {
			return m, false
		}
	} else {
		var p plainObject
		if json.Unmarshal(payload, &p) != nil {
			return m, false
		}
		bare := p.Name.set || p.Unit.set || p.Value.set
		if p.Samples == nil && (bare || !p.Local.set) {
			m.Form = FormBare
			m.add(0, p.wire(), false, nil)
			return m, bare
		}
		w := wireObject{
			device: p.Device, run: p.Run, seq: p.Seq, boot: p.Boot, uptime: p.Uptime, sent: p.Sent, sentUptime: p.SentUp,
			clock: p.Clock,
		}
		if w.envelope(&m.Report) != nil {
			return m, false
		}
		m.Report.Attributes, m.AttributesCut = p.Attributes.all, p.Attributes.cut
		if p.Samples != nil {
			all = *p.Samples
		}
		defer p.Local.addTo(&m)
	}
	m.Report.Samples = make([]Sample, 0, len(all))
	for i := range all {
		m.add(i, all[i].wire(), false, nil)
	}
	return m, true
}

func (p *plainLocal) addTo(m *Message) {
	if p.bad != "" {
		m.Refuse(1, Refusal{Index: -1, Local: true, Reason: ReasonJSON, Error: "local " + scan.Clip(p.bad) + ": not an array"})
	}
	if len(p.all) > 0 {
		m.Report.Local = make([]Sample, 0, len(p.all))
	}
	for i := range p.all {
		m.add(i, p.all[i].wire(), true, nil)
	}
}

// Of what is JSON as a whole, the split changes nothing; and of what is not, something is refused.
func FuzzDecode_asAWhole(f *testing.F) {
	for _, s := range []string{
		`{"device":"k","run":"9c","seq":42,"samples":[{"name":"a","unit":"None","value":1,"time":1},{"x":{"y":[]}}],"more":[1]}`,
		`[{"name":"a","unit":"None","value":"1e5","timestamp":"7"} , null, {}]`, `{"samples":[],"name":"a"}`,
		`{"s\u0061mples":[{"name":"\"]"}]}`,
		`[{"name":1,"unit":[],"value":{},"time":"}"},{"value":1e999}]`, "[{\"\xff\":1}]",
		`{"samples":[{"name":"a","name":"b"}]}`,
		`{"name":"a","unit":"None","value":" 1 ","x":1,"\u0074ime":5}`, `{"samples":null,"value":true}`,
		`{"unit":3,"samples":[null],"run":"\u0000"}`,
		`{"local":[{"name":"a","unit":"None","value":1},7],"samples":[{"name":"b","unit":"None","value":2}],"run":"r"}`,
		`{"local":[{"name":"a","unit":"None","value":1}]}`, `{"local":7,"samples":[]}`,
		`{"name":"a","unit":"None","value":1,"local":[NaN]}`, `{"samples":[],"attributes":{"a":"b","c":{"d":[1]},"e":null}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		want, ok := decodeWhole(scan.Unpad(payload))
		got, err := Decode(payload)
		notJSON := got.Reasons[ReasonJSON]
		if slices.ContainsFunc(got.Refused, func(r Refusal) bool { return r.Reason == ReasonJSON && r.Index < 0 }) {
			notJSON-- // a local that is no array
		}
		switch {
		case ok && (err != nil || notJSON > 0), !ok && err == nil && got.CountRefused() == 0:
			t.Fatalf("got %+v, %v; the library took it: %t", got, err, ok)
		case !ok:
			return
		}
		if d := cmp.Diff(want, got, cmp.FilterPath(isError, cmp.Ignore())); d != "" {
			t.Error(d)
		}
		for i, at := 0, 0; i < len(got.Report.Samples); at++ {
			if len(got.RefusedAt) > at-i && got.RefusedAt[at-i] == at {
				continue
			}
			if got.Index(i) != at {
				t.Errorf("sample %d: got index %d, want %d", i, got.Index(i), at)
			}
			i++
		}
	})
}

// isError is of the words of a refusal, which say what else is in the text.
func isError(p cmp.Path) bool { return p.Last().String() == ".Error" }

// Whatever is sent, decoding takes time in proportion.
func TestDecode_isLinear(t *testing.T) {
	t.Parallel()
	texts := giants()
	texts["unknown members"] = manyMembers("", 100_000)
	texts["unknown members of a sample"] = append(append([]byte("["), manyMembers(`"name":"a",`, 100_000)...), ']')
	texts["bad elements"] = []byte("[" + strings.Repeat("NaN,", 1<<18) + "{}]")
	texts["one deep in many"] = []byte("[" + strings.Repeat(`{"x":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+
		`},`, 100) + "{}]")
	for name, text := range texts {
		began := time.Now()
		_, _ = Decode(text) // with no bound
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func manyMembers(first string, n int) []byte {
	b := []byte("{" + first)
	for i := range n {
		b = fmt.Appendf(b, `"k%d":%d,`, i, i)
	}
	return append(b, `"last":1}`...)
}

// A message of too many samples is counted, whatever they are, and costs no more than a look at it.
func TestDecodeUpTo(t *testing.T) {
	const most = 1000
	for name, tt := range map[string]struct {
		payload string
		n       int
	}{
		"empty objects": {"[" + strings.Repeat("{},", 43_000) + "{}]", 43_001},
		"commas":        {"[" + strings.Repeat(",", 128<<10) + "]", 128<<10 + 1},
		"a report of samples": {`{"run":"r","seq":7,"samples":[` +
			strings.Repeat(`{"name":"a","unit":"None","value":1},`, 3000) + `{}],"later":1}`, 3001},
		"bad ones":             {"[" + strings.Repeat("NaN,", most) + "1]", most + 1},
		"as many as are taken": {"[" + strings.Repeat("{},", most-1) + "{}]", most},
	} {
		var m Message
		var err error
		before := allocated()
		m, err = DecodeUpTo([]byte(tt.payload), most)
		cost := allocated() - before - uint64(len(tt.payload))
		if err != nil || len(m.Report.Samples) > 0 || m.CountRefused() != tt.n || len(m.Refused) > 10 {
			t.Errorf("%s: got %d samples, %d refused, %d in full, %v", name, len(m.Report.Samples), m.CountRefused(),
				len(m.Refused), err)
		}
		if cost > 1<<20 {
			t.Errorf("%s: made %d bytes", name, cost)
		}
		if tt.n <= most {
			continue
		}
		want := Refusal{Index: -1, Reason: ReasonSize, Error: fmt.Sprintf("%d samples in one message, 1000 are taken; send "+
			"several messages", tt.n)}
		if d := cmp.Diff([]Refusal{want}, m.Refused); d != "" || cost > 64<<10 {
			t.Errorf("%s: made %d bytes; %s", name, cost, d)
		}
		if strings.Contains(tt.payload, "run") && (m.Report.Run != "r" || m.Report.Seq != 7) {
			t.Errorf("%s: got envelope %+v", name, m.Report)
		}
	}
}

// allocated is how many bytes were ever made. No other test runs beside one that is not parallel.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
