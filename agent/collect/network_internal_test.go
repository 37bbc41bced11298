package collect

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// iface writes a network interface of a machine in dir.
func iface(t testing.TB, dir, name, state string, index int, device bool, received, sent, errs uint64) {
	t.Helper()
	at := filepath.Join(dir, "sys/class/net", name)
	write(t, filepath.Join(at, "operstate"), state+"\n")
	write(t, filepath.Join(at, "ifindex"), fmt.Sprintln(index))
	for file, n := range map[string]uint64{"rx_bytes": received, "tx_bytes": sent, "rx_errors": errs, "tx_errors": 1} {
		write(t, filepath.Join(at, "statistics", file), fmt.Sprintln(n))
	}
	if device {
		write(t, filepath.Join(at, "device/uevent"), "")
	}
}

func TestNetwork_interfaces_come_and_go(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		var n network
		for i, step := range []struct {
			do   func()
			want map[string]float64
			err  error
		}{
			{func() {}, map[string]float64{}, ErrAbsent},
			{func() { iface(t, dir, "lo", "unknown", 1, false, 1, 1, 1) }, map[string]float64{}, ErrAbsent},
			{func() { iface(t, dir, "eth0", "up", 2, true, 100, 10, 0) }, map[string]float64{}, ErrEarly},
			{
				func() {
					iface(t, dir, "eth0", "up", 2, true, 150, 10, 3)
					iface(t, dir, "veth1", "up", 3, false, 9, 9, 9)
				},
				map[string]float64{"network received eth0": 50, "network sent eth0": 0, "network errors eth0": 3},
				nil,
			},
			{ // it wraps at 32 bits, and a second one is plugged in
				func() { iface(t, dir, "eth0", "up", 2, true, 7, 20, 3); iface(t, dir, "wlan1", "up", 4, true, 5, 5, 5) },
				map[string]float64{"network sent eth0": 10, "network errors eth0": 0},
				nil,
			},
			{ // another one has taken its name, with larger counters
				func() { iface(t, dir, "eth0", "up", 5, true, 1000, 1000, 10) },
				map[string]float64{"network received wlan1": 0, "network sent wlan1": 0, "network errors wlan1": 0},
				nil,
			},
			{ // one is pulled out, one goes down
				func() {
					iface(t, dir, "eth0", "down", 5, true, 1000, 1000, 10)
					if err := os.RemoveAll(filepath.Join(dir, "sys/class/net/wlan1")); err != nil {
						t.Error(err)
					}
				},
				map[string]float64{},
				ErrAbsent,
			},
			{func() { iface(t, dir, "eth0", "up", 5, true, 1500, 1000, 10) }, map[string]float64{}, ErrEarly},
			{ // half of it cannot be read
				func() { write(t, filepath.Join(dir, "sys/class/net/eth0/statistics/tx_errors"), "garbage") },
				map[string]float64{},
				nil,
			},
		} {
			step.do()
			f := guarded(on(t.Context(), dir), n.read)
			got := map[string]float64{}
			for _, s := range f.samples {
				got[s.Name] = s.Value
			}
			if diff := cmp.Diff(step.want, got); diff != "" {
				t.Errorf("step %d: %s", i, diff)
			}
			if i < 8 && !errors.Is(f.err, step.err) || i == 8 && f.err == nil {
				t.Errorf("step %d: got %v, want %v", i, f.err, step.err)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestNetwork_many(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		for i := range 20 {
			iface(t, dir, fmt.Sprintf("eth%02d", i), "up", i, true, 1, 1, 1)
		}
		var n network
		guarded(on(t.Context(), dir), n.read)
		time.Sleep(time.Minute)
		f := guarded(on(t.Context(), dir), n.read)
		if len(f.samples) != 3*maxInterfaces || f.left != 3*(20-maxInterfaces) || f.err == nil {
			t.Errorf("got %d, %d left out, %v", len(f.samples), f.left, f.err)
		}
	})
}

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
			write(t, filepath.Join(at, "name"), "pwmfan\n")
			for file, text := range map[string]string{"fan1_input": tt.rpm, "pwm1": tt.duty} {
				if text != "" {
					write(t, filepath.Join(at, file), text+"\n")
				}
			}
			f := guarded(on(t.Context(), dir), fans)
			got := map[string]float64{}
			for _, s := range f.samples {
				got[s.Name] = s.Value
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadText(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := strings.Repeat("0123456789", 2000)
	write(t, filepath.Join(dir, "long"), long)
	if got, err := readText(filepath.Join(dir, "long")); got != long || err != nil {
		t.Errorf("got %d bytes, %v; want %d", len(got), err, len(long))
	}
	if _, err := readText(filepath.Join(dir, "gone")); !errors.Is(err, ErrAbsent) {
		t.Errorf("gone: got %v, want ErrAbsent", err)
	}
	if _, err := readText(dir); err == nil || errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a folder: got %v, want an error with its name", err)
	}
	if err := os.Truncate(filepath.Join(dir, "long"), maxText+1); err != nil {
		t.Fatal(err)
	}
	if _, err := readText(filepath.Join(dir, "long")); err == nil {
		t.Error("got no error for a file without end")
	}
}
