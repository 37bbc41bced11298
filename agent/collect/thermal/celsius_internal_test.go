package thermal

import (
	"math"
	"testing"
)

func FuzzCelsius(f *testing.F) {
	for _, text := range []string{"48312\n", "-1", "51", "0", "65535000", "-274000", "", "\x00", "1e3"} {
		f.Add(text, "85000", "cpu-thermal")
	}
	f.Add("51", "75", "Package id 0")
	f.Add("513", "850", "CPU-therm")
	f.Fuzz(func(t *testing.T, text, trip, name string) {
		raw, err := parseRaw(text)
		if err != nil {
			return
		}
		limit, _ := parseRaw(trip)
		v, err := celsius(raw, limit)
		if err == nil && (v == 0 || math.IsNaN(v) || v <= coldest || v >= hottest || (v < 0) != (raw < 0)) {
			t.Errorf("%q with limit %q: got %v", text, trip, v)
		}
		if err != nil && v != 0 {
			t.Errorf("%q: got %v and %v", text, v, err)
		}
		if rank, ok := cpuRank(name); ok && rank >= len(cpuSensors) {
			t.Errorf("%q: got rank %d", name, rank)
		}
	})
}
