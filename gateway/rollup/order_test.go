package rollup_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/rollup"
	"piway/shared/sample"
)

// turns returns the device and the minute of each datum, once for those of one turn and window.
func turns(r *rollup.Rollup) (all []string) {
	for _, d := range r.Datums() {
		if t := fmt.Sprintf("%s %d", d.Device, d.Time/60); len(all) == 0 || all[len(all)-1] != t {
			all = append(all, t)
		}
	}
	return all
}

// minutes returns a sample of each of two metrics in each of these minutes.
func minutes(at ...int) (samples []sample.Sample) {
	for _, m := range at {
		samples = append(samples, one("m", 1, float64(60*m+30)), one("a", 1, float64(60*m)))
	}
	return samples
}

// Within a turn datums go by time, name and unit, in whatever order the samples arrived.
func TestDatums_order(t *testing.T) {
	r := rollup.New(settings())
	r.Add("b", []sample.Sample{one("m", 1, 60), one("a", 1, 60), one("m", 1, 0)})
	r.Add("a", []sample.Sample{one("m", 1, 60), {Name: "m", Unit: "Bytes", Value: 1, Time: 60}})
	var got []string
	for _, d := range r.Datums() {
		got = append(got, fmt.Sprintf("%d %s %s %s", d.Time, d.Device, d.Name, d.Unit))
	}
	want := []string{"60 a m Bytes", "60 a m Count", "60 b a Count", "60 b m Count", "0 b m Count"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// In the first round goes what is fresh; who has more goes on in turn with the others, newer windows first.
func TestDatums_rounds(t *testing.T) {
	r := rollup.New(settings())
	r.Add("backlog", minutes(1, 2, 3, 4, 5, 6, 7, 8, 9, 1000)) // and what is fresh
	r.Add("honest", minutes(999, 1000))
	r.Add("older", minutes(500, 501))
	r.Add("z", minutes(1000))
	want := []string{
		"backlog 1000", "honest 1000", "z 1000", "older 501", // each one's newest
		"honest 999", "older 500", "backlog 9", "backlog 8", // two windows each
		"backlog 7", "backlog 6", "backlog 5", "backlog 4", "backlog 3", "backlog 2", "backlog 1",
	}
	if diff := cmp.Diff(want, turns(r)); diff != "" {
		t.Errorf("turns (-want +got):\n%s", diff)
	}
}

// Before the n-th older window of a device goes, another device has sent at most as many windows again and 64.
func TestDatums_nobodyWaitsForABacklog(t *testing.T) {
	r := rollup.New(settings())
	for device, n := range map[string]int{"attacker": 5000, "honest": 3, "returns": 600} {
		for m := range n {
			r.Add(device, minutes(10_000-m))
		}
	}
	before := map[string]int{} // windows of each device that went
	for _, turn := range turns(r) {
		var device string
		if _, err := fmt.Sscan(turn, &device); err != nil {
			t.Fatal(err)
		}
		if others := before["attacker"]; device != "attacker" && others > 2*before[device]+1+64 {
			t.Fatalf("window %d of %s goes behind %d of the attacker", before[device], device, others)
		}
		before[device]++
	}
	if diff := cmp.Diff(map[string]int{"attacker": 5000, "honest": 3, "returns": 600}, before); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
	all := turns(r)
	if i := slices.Index(all, "honest 9998"); i < 0 || i > 8 {
		t.Errorf("the honest device's oldest window goes as number %d, want it in the second round", i)
	}
}

// All datums of a device and a window go together under all too.
func TestDatums_allGoesInOneTurn(t *testing.T) {
	set := settings()
	set.Default = rollup.All
	r := rollup.New(set)
	for _, device := range []string{"a", "b"} {
		for _, at := range []float64{60, 75, 119, 30} {
			r.Add(device, []sample.Sample{one("m", 1, at), one("n", 1, at)})
		}
	}
	var got []string
	for _, d := range r.Datums() {
		got = append(got, fmt.Sprint(d.Device, d.Time, d.Name))
	}
	want := []string{
		"a60m", "a60n", "a75m", "a75n", "a119m", "a119n", "b60m", "b60n", "b75m", "b75n", "b119m", "b119n",
		"a30m", "a30n", "b30m", "b30n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
