package encode_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/encode"
	"piway/gateway/pass"
)

// base is what the gateway's names do by default.
func base(full, device string) string { return strings.TrimSuffix(full, " ("+device+")") }

func forms() map[string]encode.Form {
	return map[string]encode.Form{"metric": encode.Metric, "emf": encode.NewEMF("RaspberryPi", "", base)}
}

// points returns what datums are to become.
func points(site string, datums []pass.Datum) (ps []point, samples map[string]int) {
	samples = map[string]int{}
	for _, d := range datums {
		samples[d.Device] += d.Samples
		p := point{
			Site: site, Device: d.Device, Name: base(d.Name, d.Device), Unit: d.Unit, Millis: d.Time * 1000,
			Values: d.Values,
		}
		if len(d.Values) == 0 {
			p.Values = []float64{d.Value}
		}
		ps = append(ps, p)
	}
	return ps, samples
}

// roundTrip packs datums, and holds every message to the limits and to its datums, which are in it by time.
func roundTrip(t *testing.T, site string, datums []pass.Datum) [][]byte {
	t.Helper()
	const namespace = "Raspberry Pi/#1"
	var got []point
	samples := map[string]int{}
	want, wantSamples := points(site, datums)
	all := messages(t, encode.NewEMF(namespace, site, base), datums)
	for _, payload := range all {
		ps, by := checkEMF(t, payload, namespace)
		next := want[len(got):min(len(got)+len(ps), len(want))]
		slices.SortStableFunc(next, func(a, b point) int { return int(a.Millis - b.Millis) })
		got = append(got, ps...)
		if diff := cmp.Diff(by, encode.Samples(payload)); diff != "" {
			t.Errorf("samples as read back (-in the message +got):\n%s", diff)
		}
		for device, n := range by {
			samples[device] += n
		}
	}
	if !reflect.DeepEqual(want, got) { // Diff takes long
		t.Errorf("points (-want +got):\n%s", cmp.Diff(want, got))
	}
	if diff := cmp.Diff(wantSamples, samples); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	return all
}

// several are a pass in small: two devices, a name with two units, many values of one, a day and a bit.
var several = []pass.Datum{
	{Device: "hall", Name: "cpu usage (hall)", Unit: "Percent", Values: []float64{3}, Time: 1700000000, Samples: 1},
	{
		Device: "kitchen", Name: "cpu usage (kitchen)", Unit: "Percent", Values: []float64{12.5, 13, 0, -1}, Time: 1700000000,
		Samples: 4,
	},
	{Device: "kitchen", Name: "cpu usage (kitchen)", Unit: "Percent", Values: []float64{14}, Time: 1700000000, Samples: 1},
	{Device: "kitchen", Name: `disk "/" \ (kitchen)`, Unit: "None", Value: 61.25, Time: 1700000000, Samples: 4},
	{Device: "kitchen", Name: "fan", Unit: "Count/Second", Value: 1e30, Time: 1700000000, Samples: 1},
	{Device: "kitchen", Name: "fan", Unit: "None", Value: 2.5e-9, Time: 1700000000, Samples: 1},
	// stored for the metric form
	{Device: "kitchen", Name: "device (kitchen)", Unit: "None", Value: 1, Time: 1700000060, Samples: 1},
	{Device: "kitchen", Name: "fan", Unit: "None", Value: 123456789012345, Time: 1700086400, Samples: 1},
	{Device: "kitchen", Name: "fan", Unit: "None", Value: 7, Time: 1700086401, Samples: 1},
}

func TestEMF_golden(t *testing.T) {
	var got bytes.Buffer
	for _, site := range []string{"", "home"} {
		for _, payload := range messages(t, encode.NewEMF("RaspberryPi", site, base), several) {
			got.Write(append(payload, '\n'))
		}
	}
	golden(t, "testdata/emf.jsonl", got.Bytes())
}

func TestEMF_documents(t *testing.T) {
	datum := func(device string, name int, at int64) pass.Datum {
		return pass.Datum{Device: device, Name: fmt.Sprintf("m%03d", name), Unit: "None", Value: 1, Time: at, Samples: 1}
	}
	var hundred, more, twice []pass.Datum
	for i := range 101 {
		more = append(more, datum("pi", i, 60))
		twice = append(twice, datum("pi", i/2, 60))
	}
	hundred = more[:100]
	for name, tt := range map[string]struct {
		datums []pass.Datum
		want   int
	}{
		"100 metrics":     {hundred, 1},
		"101 metrics":     {more, 2},
		"two devices":     {[]pass.Datum{datum("a", 1, 60), datum("b", 1, 60), datum("b", 2, 60)}, 2},
		"two times":       {[]pass.Datum{datum("a", 1, 60), datum("a", 2, 60), datum("a", 1, 120)}, 2},
		"each name twice": {twice, 51},
	} {
		all := roundTrip(t, "", tt.datums)
		if got := bytes.Count(all[0], []byte(`"timestamp"`)); got != tt.want || len(all) != 1 {
			t.Errorf("%s: got %d documents in %d messages, want %d in one", name, got, len(all), tt.want)
		}
	}
}

// A batch spans a day at most, in whatever order its datums come, and the next one takes over where it ends.
func TestEMF_span(t *testing.T) {
	const day = 24 * 60 * 60
	at := func(times ...int64) (datums []pass.Datum) {
		for _, s := range times {
			datums = append(datums, pass.Datum{Device: "pi", Name: "m", Unit: "None", Time: 1700000000 + s, Samples: 1})
		}
		return datums
	}
	for _, tt := range []struct {
		datums []pass.Datum
		want   int
	}{
		{at(0, 60, day), 1},
		{at(0, 60, day+1), 2},
		{at(0, day, day+1, 2*day+1, 2*day+2), 3},
		{at(0, 13*day), 2},
		{at(60, 0, 120), 1},
		{at(day, 60, 0), 1},
		{at(60, 0, day+1), 2},
		{at(day+1, day+60, 60, 0), 2},
	} {
		all := messages(t, encode.NewEMF("N", "", base), tt.datums)
		for _, payload := range all {
			checkEMF(t, payload, "N")
		}
		if len(all) != tt.want {
			t.Errorf("%d datums: got %d messages, want %d", len(tt.datums), len(all), tt.want)
		}
	}
}

// The longest datum there can be is far from filling a message, so that each fits alone.
func TestEMF_oneDatumFits(t *testing.T) {
	longest := -0.0000012345678901234567 // 25 characters
	d := pass.Datum{
		Device: strings.Repeat(`\`, 255), Name: strings.Repeat(`"`, 255), Unit: "Terabytes/Second",
		Values: slices.Repeat([]float64{longest}, 100), Time: 99_999_999_999, Samples: 1e9,
	}
	namespace, site := strings.Repeat(`\`, 255), strings.Repeat(`"`, 255)
	payload, n, err := encode.NewEMF(namespace, site, base)([]pass.Datum{d, d})
	if err != nil || n != 1 {
		t.Fatalf("got %d, %v; want 1, since a billion samples of one device are as many as a message counts", n, err)
	}
	ps, _ := checkEMF(t, payload, namespace)
	if len(payload) > 10_000 || len(ps) != 1 || ps[0].Name != d.Name || ps[0].Device != d.Device || ps[0].Site != site {
		t.Errorf("%d bytes, got %+v", len(payload), ps)
	}
}

// Packing is not wasteful: a message ends when the next datum does not fit, not long before.
func TestEMF_messagesAreFull(t *testing.T) {
	var datums []pass.Datum
	for i := range 10_000 {
		datums = append(datums, pass.Datum{
			Device: fmt.Sprintf("pi-%03d", i/10%500), Name: fmt.Sprintf("m%d", i%10), Unit: "Percent",
			Value: float64(i) / 7, Time: 1700000000 + int64(i/5_000)*60, Samples: 4,
		})
	}
	all := roundTrip(t, "home", datums)
	for i, payload := range all[:len(all)-1] {
		if len(payload) < encode.MaxEMF-3000 { // a document, and room for the counts of 200 devices
			t.Errorf("message %d of %d has %d bytes only", i, len(all), len(payload))
		}
	}
}

func TestEMF_reserved(t *testing.T) {
	pack := encode.NewEMF("N", "", base)
	for _, name := range []string{"device", "site", "_aws"} {
		d := []pass.Datum{{Device: "pi", Name: name, Unit: "None", Samples: 1, Time: 60}}
		if payload, n, err := pack(d); n != 1 || err == nil || !encode.Reserved(name) {
			t.Errorf("%s: got %s, %d, %v", name, payload, n, err)
		}
		d[0].Name += " (pi)"
		payload, _, err := pack(d)
		if err != nil {
			t.Fatal(err)
		}
		if ps, _ := checkEMF(t, payload, "N"); ps[0].Name != d[0].Name {
			t.Errorf("got %q, want %q in full", ps[0].Name, d[0].Name)
		}
	}
	for _, name := range []string{"Device", "SITE", "_AWS", "devices", ""} {
		if encode.Reserved(name) {
			t.Errorf("%q is reserved", name)
		}
	}
}

// The same datums make the same message, whatever was packed before.
func TestEMF_sameAgain(t *testing.T) {
	pack := encode.NewEMF("N", "home", base)
	first, n, err := pack(several)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		again, m, err := pack(slices.Clone(several))
		if err != nil || m != n || !bytes.Equal(first, again) {
			t.Fatalf("got %d datums, %v\n%s\nthen %d\n%s", m, err, again, n, first)
		}
	}
}
