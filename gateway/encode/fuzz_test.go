package encode_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"piway/gateway/encode"
	"piway/gateway/pass"
)

// random returns datums of any order, as a rollup's may be, or sorted by time: each within the limits, some at them.
func random(seed uint64, n int) []pass.Datum {
	r := rand.New(rand.NewPCG(seed, 0))
	devices, names, span := 1+r.IntN(20), 1+r.IntN(300), int64(1+r.IntN(200_000))
	datums := make([]pass.Datum, n)
	for i := range datums {
		device := fmt.Sprintf("pi-%d", r.IntN(devices))
		datums[i] = pass.Datum{
			Device: device, Name: randomName(r, names, device), Unit: units[r.IntN(len(units))], Value: randomValue(r),
			Time: 1700000000 + r.Int64N(span), Samples: 1 + r.IntN(100),
		}
		if r.IntN(3) == 0 {
			vs := make([]float64, 1+r.IntN(100))
			for j := range vs {
				vs[j] = randomValue(r)
			}
			datums[i].Values, datums[i].Value = vs, 0
		}
	}
	if seed%2 == 0 {
		return datums
	}
	slices.SortStableFunc(datums, func(a, b pass.Datum) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Unit, b.Unit))
	})
	return datums
}

func randomName(r *rand.Rand, names int, device string) string {
	name := fmt.Sprintf("metric %d", r.IntN(names))
	switch r.IntN(6) {
	case 0:
		return name + ` "\` + " (" + device + ")"
	case 1:
		return name + strings.Repeat(`\"`, (255-len(name))/2)
	case 2:
		return name
	default:
		return name + " (" + device + ")"
	}
}

func randomValue(r *rand.Rand) float64 {
	switch r.IntN(5) {
	case 0:
		return float64(r.IntN(200) - 100)
	case 1:
		return math.Ldexp(r.Float64()*2-1, r.IntN(720)-360)
	case 2:
		return math.Ldexp(1, 360)
	default:
		return math.Round(r.Float64()*1000) / 10
	}
}

// FuzzEMF: every message is within the limits, every datum is in exactly one message, in order, and comes out as it
// went in.
func FuzzEMF(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, uint16(seed*seed), "")
		f.Add(seed, uint16(200), "home")
	}
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, site string) {
		if strings.Trim(site, "abcdefghijklmnopqrstuvwxyz-") != "" || len(site) > 32 {
			site = "home" // as the configuration has it
		}
		roundTrip(t, site, random(seed, int(n)%300))
	})
}

// FuzzSamples: whatever AWS hands back, only plausible counts come out.
func FuzzSamples(f *testing.F) {
	for _, s := range []string{
		`{"samples":{"kitchen":16,"hall":1},"batch":[{}]}`, `{"samples":{"kitchen":16}}`,
		`{"samples":{"kitchen":-1},"batch":[{}]}`,
		`{"device":"kitchen","samples":"4"}`, `{"device":"kitchen","samples":4}`, `{"device":" ","samples":"4"}`,
		`{"samples":"4"}`,
		`{"device":"kitchen","samples":"9999999999"}`, `{"samples":{"a":1e3},"batch":[]}`, `{"samples":null,"batch":null}`,
		`[]`, ``, `{`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		by := encode.Samples(payload)
		if by != nil && (len(by) == 0 || !json.Valid(payload)) {
			t.Errorf("%q: got %v", payload, by)
		}
		for device, n := range by {
			if n < 1 || n > 1e9 || device == "" || len(device) > 255 {
				t.Errorf("%q: got %q with %d", payload, device, n)
			}
		}
	})
}

func TestSamples(t *testing.T) {
	for payload, want := range map[string]map[string]int{
		`{"samples":{"kitchen":16,"hall":1},"batch":[{}]}`:                           {"kitchen": 16, "hall": 1},
		`{"name":"n","device":"kitchen","samples":"4"}`:                              {"kitchen": 4},
		`{"name":"cpu usage (pi)","unit":"Percent","value":"1"}`:                     nil, // the recipe's script
		`{"device":"kitchen","samples":"0"}`:                                         nil,
		`{"device":"kitchen","samples":"1.5"}`:                                       nil,
		`{"device":"","samples":"4"}`:                                                nil,
		`{"samples":{"kitchen":16}}`:                                                 nil,
		`{"samples":{"kitchen":16,"":1},"batch":[{}]}`:                               nil,
		`{"samples":{"kitchen":0},"batch":[{}]}`:                                     nil,
		`{"samples":{},"batch":[{}]}`:                                                nil,
		`{"samples":{"kitchen":99999999999999999},"batch":[{}]}`:                     nil,
		`{"samples":{"kitchen":1},"batch":[{}]} `:                                    {"kitchen": 1},
		`{"samples":{"kitchen":1},"batch":[{}]}{}`:                                   nil,
		`{"samples":{"kitchen":1},"batch":["` + strings.Repeat(" ", 128<<10) + `"]}`: nil,
	} {
		got := encode.Samples([]byte(payload))
		if fmt.Sprint(got) != fmt.Sprint(want) || (got == nil) != (want == nil) {
			t.Errorf("%.100s: got %v, want %v", payload, got, want)
		}
	}
	payload, _, err := encode.Metric(datums)
	if err != nil || encode.Samples(payload)["kitchen"] != datums[0].Samples {
		t.Errorf("%s: got %v", payload, encode.Samples(payload))
	}
}
