package collect_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shirou/gopsutil/v3/common"

	"piway/agent/collect"
	"piway/shared/sample"
)

// on returns a context in which /proc and /sys are those of a folder.
func on(t *testing.T, dir string) context.Context {
	t.Helper()
	return context.WithValue(t.Context(), common.EnvKey, common.EnvMap{
		common.HostProcEnvKey: filepath.Join(dir, "proc"),
		common.HostSysEnvKey:  filepath.Join(dir, "sys"),
	})
}

// values returns what a collector gave, by name and unit.
func values(samples []sample.Sample) map[string]float64 {
	got := map[string]float64{}
	for _, s := range samples {
		got[s.Name+" "+s.Unit] = s.Value
	}
	return got
}

var all = collect.Options{CPU: true, Temperature: true, Memory: true}

func TestCollector_the_recipe_s_metrics(t *testing.T) {
	t.Parallel()
	opt := all
	opt.Disks = []string{t.TempDir()}
	c := collect.New(opt)
	c.Collect(on(t, "testdata/pi"))
	samples, _ := c.Collect(on(t, "testdata/pi"))
	got := values(samples)
	disk := "disk usage " + opt.Disks[0] + " Percent"
	if v, ok := got[disk]; !ok || v <= 0 || v > 100 {
		t.Errorf("%s: got %v, want a percentage", disk, v)
	}
	delete(got, disk)
	// (1000000-600000) kB; no CPU time has passed between the two readings.
	if diff := cmp.Diff(map[string]float64{"cpu temperature None": 48.31, "memory usage Megabytes": 409.6},
		got); diff != "" {
		t.Error(diff)
	}
	for _, s := range samples {
		if s.Time < 1.7e9 {
			t.Errorf("%s: time %v", s.Name, s.Time)
		}
	}
}

func TestCollector_cpu_usage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		first  string
		second string
		want   map[string]float64
	}{
		// Busy 150+10+60+10+10 of 1000 ticks; 600 idle and 160 waiting for a disk are not busy.
		{"busy", "pi", "later", map[string]float64{"cpu usage Percent": 24}},
		// Never idle, and the time of waiting for a disk goes back by 5 ticks.
		{"saturated", "pi", "saturated", map[string]float64{"cpu usage Percent": 100}},
		{"no time has passed", "pi", "pi", map[string]float64{}},
		{"counters go back", "pi", "back", map[string]float64{}},
		{"first reading fails", "garbage", "later", map[string]float64{}},
		{"second reading fails", "pi", "garbage", map[string]float64{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := collect.New(collect.Options{CPU: true})
			if first, _ := c.Collect(on(t, "testdata/"+tt.first)); len(first) != 0 {
				t.Errorf("first reading: got %v, want none", first)
			}
			second, _ := c.Collect(on(t, "testdata/"+tt.second))
			if diff := cmp.Diff(tt.want, values(second)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCollector_cpu_usage_after_counters_went_back(t *testing.T) {
	t.Parallel()
	c := collect.New(collect.Options{CPU: true})
	for _, dir := range []string{"later", "back"} {
		c.Collect(on(t, "testdata/"+dir))
	}
	// From back to pi: 200 busy of 1300 ticks.
	pi, _ := c.Collect(on(t, "testdata/pi"))
	if got := values(pi); got["cpu usage Percent"] != 15.38 {
		t.Errorf("got %v, want 15.38", got)
	}
}

func TestCollector_cpu_usage_where_waiting_goes_back(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := collect.New(collect.Options{CPU: true})
	for _, tt := range []struct {
		stat string
		want map[string]float64
	}{
		{"cpu  1000 0 0 8000 900 0 0 0 0 0", map[string]float64{}},
		// Idle for 3.9 s and busy for 0.1; the counter of waiting goes back by 4.5 s.
		{"cpu  1010 0 0 8390 450 0 0 0 0 0", map[string]float64{"cpu usage Percent": 2.5}},
		{"cpu0 2000 0 0 9000 450 0 0 0 0 0\ncpu  2000 0 0 9000 450 0 0 0 0 0", map[string]float64{}},
		{"cpu  1110 0 0 8690 450 0 0 0 0 0", map[string]float64{"cpu usage Percent": 25}},
	} {
		write(t, filepath.Join(dir, "proc/stat"), tt.stat+"\n")
		got, _ := c.Collect(on(t, dir))
		if diff := cmp.Diff(tt.want, values(got)); diff != "" {
			t.Errorf("%s: %s", tt.stat, diff)
		}
	}
}

func TestCollector_memory_usage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, meminfo string
		want          map[string]float64
	}{
		{
			"available", "MemTotal: 1000000 kB\nMemFree: 100000 kB\nMemAvailable: 600000 kB\n",
			map[string]float64{"memory usage Megabytes": 409.6},
		},
		{
			"before Linux 3.14", "MemTotal: 1000000 kB\nMemFree: 100000 kB\nBuffers: 50000 kB\nCached: 450000 kB\n",
			map[string]float64{"memory usage Megabytes": 460.8},
		},
		{
			"nothing available", "MemTotal: 1000000 kB\nMemFree: 9000 kB\nMemAvailable: 0 kB\n",
			map[string]float64{"memory usage Megabytes": 1024},
		},
		{"cut off", "MemTotal: 1000000 kB\n", nil},
		{"only what is available", "MemAvailable: 600000 kB\n", nil},
		{"more free than there is", "MemTotal: 1000 kB\nMemFree: 2000 kB\nMemAvailable: 500 kB\n", nil},
		{"more available than there is", "MemTotal: 1000 kB\nMemFree: 500 kB\nMemAvailable: 2000 kB\n", nil},
		{"empty", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "proc/meminfo"), tt.meminfo)
			got, _ := collect.New(collect.Options{Memory: true}).Collect(on(t, dir))
			if diff := cmp.Diff(tt.want, values(got), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCollector_one_broken_sensor_costs_no_other(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"testdata/garbage", t.TempDir()} {
		disk := t.TempDir()
		opt := all
		opt.Disks = []string{filepath.Join(disk, "gone"), "/proc", disk}
		c := collect.New(opt)
		c.Collect(on(t, dir))
		samples, _ := c.Collect(on(t, dir))
		if len(samples) != 1 || samples[0].Name != "disk usage "+disk {
			t.Errorf("on %s: got %v, want the one good disk", dir, samples)
		}
	}
}

func TestCollector_Read_says_why(t *testing.T) {
	t.Parallel()
	r := collect.New(all).Read(on(t, t.TempDir()))
	if len(r) != 3 {
		t.Fatalf("got %d readings, want 3", len(r))
	}
	if errors.Is(r[0].Err, collect.ErrEarly) || r[0].Err == nil || !errors.Is(r[1].Err, collect.ErrAbsent) ||
		r[2].Err == nil {
		t.Errorf("got %v", r)
	}
}

func TestCollector_tells_a_change_once(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := collect.New(collect.Options{Memory: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for _, dir := range []string{"pi", "garbage", "garbage", "garbage", "pi", "pi"} {
		c.Collect(on(t, "testdata/"+dir))
	}
	fails, works := strings.Count(log.String(), "sensor fails"), strings.Count(log.String(), "sensor works again")
	if fails != 1 || works != 1 {
		t.Errorf("got %d failures and %d recoveries, want one each:\n%s", fails, works, &log)
	}
}

func TestMachine(t *testing.T) {
	t.Parallel()
	got := collect.Machine(on(t, "testdata/pi"))
	if got.Boot != "0f8e1c1e-6a5e-4a8e-9a53-0d6e0f1c2b3a" || got.Uptime != 5021.7 {
		t.Errorf("got %+v", got)
	}
	for _, dir := range []string{"testdata/garbage", t.TempDir()} {
		if got := collect.Machine(on(t, dir)); got.Boot != "" || got.Uptime != 0 {
			t.Errorf("on %s: got %+v, want nothing", dir, got)
		}
	}
}

// A sensor that sleeps or is unplugged is told once, and is no other sensor meanwhile.
func TestCollector_temperature_comes_and_goes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	temp := filepath.Join(dir, "sys/class/thermal/thermal_zone0/temp")
	for name, text := range map[string]string{
		"thermal/thermal_zone0/type": "cpu-thermal\n", "thermal/thermal_zone0/temp": "50000\n",
		"hwmon/hwmon0/name": "ds3231\n", "hwmon/hwmon0/temp1_input": "21000\n",
	} {
		write(t, filepath.Join(dir, "sys/class", name), text)
	}
	want := func(celsius float64) map[string]float64 { return map[string]float64{"cpu temperature None": celsius} }
	none := map[string]float64{}
	var log bytes.Buffer
	c := collect.New(collect.Options{Temperature: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for _, tt := range []struct {
		text string
		want map[string]float64
	}{
		{"50000", want(50)},
		{"65535000", none},
		{"65534000", none},
		{"51", none},
		{"52", none},
		{"", none},
		{"51000", want(51)},
	} {
		write(t, temp, tt.text)
		got, _ := c.Collect(on(t, dir))
		if diff := cmp.Diff(tt.want, values(got)); diff != "" {
			t.Errorf("%q: %s", tt.text, diff)
		}
	}
	fails, works := strings.Count(log.String(), "sensor fails"), strings.Count(log.String(), "works again")
	if fails != 3 || works != 1 {
		t.Errorf("got %d failures and %d recoveries, want a failure per reason and one recovery:\n%s", fails, works, &log)
	}
	if err := os.RemoveAll(filepath.Join(dir, "sys/class/thermal")); err != nil {
		t.Fatal(err)
	}
	if r := c.Read(on(t, dir)); !errors.Is(r[0].Err, collect.ErrAbsent) {
		t.Errorf("without a sensor: got %v", r[0].Err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
