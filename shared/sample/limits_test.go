package sample_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/shared/sample"
)

// What is packed by these sizes is never larger than they say, whatever is in it.
func FuzzSample_MaxBytes(f *testing.F) {
	f.Add("cpu usage", "Percent", 12.5, 1763791460.123)
	f.Add(`disk usage "\`, "Terabytes/Second", -1.2345678901234567e-6, 1763791460.1234567)
	f.Add("\x00\x1f\xff\u2028<>&", "", -math.MaxFloat64, math.SmallestNonzeroFloat64)
	f.Add("n", "None", -1.7976931348623157e+308, 99999999999.12346)
	f.Fuzz(func(t *testing.T, name, unit string, value, at float64) {
		s := sample.Sample{Name: name, Unit: unit, Value: value, Time: at}
		text, err := sample.Report{Samples: []sample.Sample{s, s}}.JSON()
		if err != nil {
			t.Skip("no report")
		}
		if got := len(text) - len(`{"samples":[]}`) + 1; got > 2*s.MaxBytes() {
			t.Errorf("%d bytes for two, said %d each: %s", got, s.MaxBytes(), text)
		}
	})
}

func TestEnvelopeBytes(t *testing.T) {
	long := strings.Repeat("x", 64) // more is refused
	number := -1.2345678901234567e-6
	text, err := sample.Report{
		Device: long, Run: long, Seq: 1 << 53, Boot: long, Uptime: number, Sent: number, SentUptime: number, Clock: long,
	}.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > sample.EnvelopeBytes {
		t.Errorf("got %d bytes, said %d", len(text), sample.EnvelopeBytes)
	}
}

func TestBounds_roundTrip(t *testing.T) {
	want := sample.Bounds{MaxSamples: 1000, MaxPacket: 128 << 10, Wanted: []string{"load", "failed units"}}
	text, err := want.JSON()
	if err != nil || string(text) != `{"max_samples":1000,"max_packet":131072,"wanted":["load","failed units"]}` {
		t.Fatalf("got %s, %v", text, err)
	}
	if got, err := sample.DecodeBounds(text); !cmp.Equal(got, want) || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestDecodeBounds(t *testing.T) {
	for text, want := range map[string]struct {
		bounds sample.Bounds
		good   bool
	}{
		`{}`:                                     {sample.Bounds{}, true},
		`{"pins":{"a":[1]},"max_samples":7}`:     {sample.Bounds{MaxSamples: 7}, true},
		`{"max_samples":0,"max_packet":9000}`:    {sample.Bounds{MaxPacket: 9000}, false},
		`{"max_samples":-3}`:                     {sample.Bounds{}, false},
		`{"max_samples":1e300}`:                  {sample.Bounds{MaxSamples: 1 << 30}, true},
		`{"max_samples":1e400}`:                  {sample.Bounds{}, false},
		`{"max_samples":[]}`:                     {sample.Bounds{}, false},
		`{"max_samples":null}`:                   {sample.Bounds{}, false},
		`{"max_samples":1,"max_samples":2}`:      {sample.Bounds{}, false},
		`{"wanted":["a","b"],"max_packet":9000}`: {sample.Bounds{MaxPacket: 9000, Wanted: []string{"a", "b"}}, true},
		`{"wanted":null}`:                        {sample.Bounds{}, true},
		`{"wanted":["a",7],"max_samples":7}`:     {sample.Bounds{MaxSamples: 7}, false},
		`{"wanted":{"a":1},"max_samples":7}`:     {sample.Bounds{MaxSamples: 7}, false},
		`{"wanted":["a"` + strings.Repeat(`,"a"`, sample.MaxWanted) + `]}`: {sample.Bounds{}, false},
		`[1]`: {sample.Bounds{}, false},
		`mad`: {sample.Bounds{}, false},
		``:    {sample.Bounds{}, false},
		`{"x":"` + strings.Repeat("y", 10<<20) + `"}`: {sample.Bounds{}, false},
	} {
		got, err := sample.DecodeBounds([]byte(text))
		if !cmp.Equal(got, want.bounds) || (err == nil) != want.good {
			t.Errorf("%.60s: got %+v, %v", text, got, err)
		}
	}
}

func TestBounds_Limits(t *testing.T) {
	for _, tt := range []struct {
		bounds  sample.Bounds
		want    sample.Limits
		floored bool
	}{
		{sample.Bounds{}, sample.MaxLimits(), false},
		{sample.Bounds{MaxSamples: 1000, MaxPacket: 128 << 10}, sample.MaxLimits(), false},
		{sample.Bounds{MaxSamples: sample.ReportSamples, MaxPacket: sample.LeastPacket}, sample.MaxLimits(), false},
		{sample.Bounds{MaxSamples: 100, MaxPacket: 9 << 10}, sample.Limits{Samples: 100, Bytes: 8 << 10}, false},
		{sample.Bounds{MaxSamples: 1}, sample.Limits{Samples: 16, Bytes: sample.ReportBytes}, true},
		{sample.Bounds{MaxPacket: 1}, sample.Limits{Samples: sample.ReportSamples, Bytes: 4 << 10}, true},
	} {
		if got, floored := tt.bounds.Limits(); got != tt.want || floored != tt.floored {
			t.Errorf("%+v: got %+v, %v", tt.bounds, got, floored)
		}
	}
}

// Whatever a gateway tells, an agent can go on with it.
func FuzzDecodeBounds(f *testing.F) {
	for _, text := range []string{
		`{"max_samples":1000,"max_packet":131072}`, `{"max_samples":"7"}`,
		`{"max_packet":-1e999}`, `{"wanted":["a"]}`, `{"wanted":[null,"\ud800"]}`, `{"a":{}}`, `[]`, "\xff",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b, _ := sample.DecodeBounds(text)
		if b.MaxSamples < 0 || b.MaxPacket < 0 || len(b.Wanted) > sample.MaxWanted {
			t.Errorf("got %+v", b)
		}
		l, _ := b.Limits()
		if l.Samples < 16 || l.Samples > sample.ReportSamples || l.Bytes < 4<<10 || l.Bytes > sample.ReportBytes {
			t.Errorf("got %+v", l)
		}
	})
}

func TestRejection(t *testing.T) {
	want := sample.Rejection{Run: "r", Seq: 7, Refused: []sample.Refusal{{
		Index: -1, Reason: sample.ReasonSize,
		Error: "x",
	}}, More: 3}
	text, err := want.JSON()
	if err != nil {
		t.Fatal(err)
	}
	got, err := sample.DecodeRejection(text)
	if err != nil || got.Run != "r" || got.Seq != 7 || !got.ForSize() {
		t.Errorf("%s: got %+v, %v", text, got, err)
	}
	for _, text := range []string{
		`{"run":"r","refused":[{"sample":0,"reason":"size"}]}`,
		`{"refused":[{"sample":-1,"reason":"json"}]}`, `{}`, `x`, `[]`,
	} {
		if got, _ := sample.DecodeRejection([]byte(text)); got.ForSize() {
			t.Errorf("%s: for its size", text)
		}
	}
}
