package collect

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/agent/collect/hosttest"
	"piway/agent/collect/reading"
)

func TestFan_a_tachometer_is_believed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		rpm, duty string
		want      map[string]float64
	}{
		{"turns", "3314", "75", map[string]float64{"fan speed pwmfan 1": 3314, "fan duty pwmfan 1": 29.41}},
		{"driven and 0", "0", "150", map[string]float64{"fan duty pwmfan 1": 58.82}},
		{"driven in full and 0", "0", "255", map[string]float64{"fan duty pwmfan 1": 100}},
		{"off", "0", "0", map[string]float64{"fan speed pwmfan 1": 0, "fan duty pwmfan 1": 0}},
		{"runs out", "900", "0", map[string]float64{"fan speed pwmfan 1": 900, "fan duty pwmfan 1": 0}},
		{"no tachometer", "", "51", map[string]float64{"fan duty pwmfan 1": 20}},
		{"no duty", "1200", "", map[string]float64{"fan speed pwmfan 1": 1200}},
		{"nothing in the header", "0", "", map[string]float64{}},
		{"garbage", "x", "256", map[string]float64{}},
		{"below 0", "-1", "-1", map[string]float64{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			at := filepath.Join(dir, "sys/class/hwmon/hwmon2")
			hosttest.Write(t, filepath.Join(at, "name"), "pwmfan\n")
			for file, text := range map[string]string{"fan1_input": tt.rpm, "pwm1": tt.duty} {
				if text != "" {
					hosttest.Write(t, filepath.Join(at, file), text+"\n")
				}
			}
			f := reading.Guarded(hosttest.On(t.Context(), dir), fans)
			got := map[string]float64{}
			for _, s := range f.Samples {
				got[s.Name] = s.Value
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
