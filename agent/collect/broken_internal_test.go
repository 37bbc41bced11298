package collect

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"piway/agent/collect/hosttest"
	"piway/shared/sample"
)

// costs says which metrics may be missing when a file of a machine is broken, by the beginnings of both names.
var costs = map[string][]string{
	"proc/device-tree":       {},
	"proc/diskstats":         {"disk read", "disk written", "disk busy"},
	"proc/loadavg":           {"load"},
	"proc/meminfo":           {"memory usage", "swap usage"},
	"proc/net/wireless":      {"wifi signal"},
	"proc/pressure/cpu":      {"cpu pressure"},
	"proc/pressure/io":       {"io pressure"},
	"proc/pressure/memory":   {"memory pressure"},
	"proc/self/mountinfo":    {"disk usage", "disk inodes", "root read-only"},
	"proc/stat":              {"cpu usage"},
	"proc/uptime":            {"uptime"},
	"statfs":                 {"disk usage", "disk inodes"},
	"sys/block":              {"disk read", "disk written", "disk busy"},
	"sys/class/hwmon":        {"fan", "cpu temperature", "undervoltage"},
	"sys/class/net":          {"network"},
	"sys/class/thermal":      {"cpu temperature"},
	"sys/class/watchdog":     {"watchdog"},
	"sys/devices/platform":   {"frequency capped", "throttled", "soft temperature limit"},
	"sys/devices/system/cpu": {"cpu clock"},
	"sys/fs/ext4":            {"storage"},
}

// names reads a machine twice, a minute apart, and returns the names of what it gave.
func namesOn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	cloud, local, _ := aMinuteOf(t, dir)
	for _, s := range slices.Concat(cloud, local) {
		names[s.Name] = true
		if err := sample.CheckName(s.Name); err != nil {
			t.Error(err)
		}
		rowOf(t, s)
	}
	return names
}

// Each file of a machine in turn is garbage: it costs what is read from it, and nothing else.
func TestCollector_a_broken_file_costs_only_its_own(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unpack(t, "testdata/machines/pi5.txt", dir)
	if err := os.RemoveAll(filepath.Join(dir, "later")); err != nil {
		t.Fatal(err)
	}
	want := namesOn(t, dir)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		file, _ := filepath.Rel(dir, path)
		whole, err := os.ReadFile(path)
		for _, text := range []string{" not what: -1 NaN\n", "\x00\xff\n\n:\n - \n", "99999999999999999999999"} {
			hosttest.Write(t, path, text)
			missing := maps.Clone(want)
			maps.DeleteFunc(missing, func(name string, _ bool) bool { return mayCost(file, name) })
			for name := range namesOn(t, dir) {
				delete(missing, name)
			}
			if len(missing) > 0 {
				t.Errorf("%q in %s: missing are %v", text, file, missing)
			}
		}
		hosttest.Write(t, path, string(whole))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func mayCost(file, name string) bool {
	for prefix, metrics := range costs {
		if strings.HasPrefix(file, prefix) {
			return slices.ContainsFunc(metrics, func(m string) bool { return strings.HasPrefix(name, m) })
		}
	}
	return false
}

// Every file that only local sensors read hangs, as a driver may: the four come all the same, and what does not hang.
func TestCollector_all_local_sources_hang(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unpack(t, "testdata/machines/pi5.txt", dir)
	for _, name := range []string{
		"proc/loadavg", "proc/uptime", "proc/diskstats", "proc/self/mountinfo", "proc/net/wireless", "proc/pressure/cpu",
		"sys/class/net/wlan0/operstate", "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "proc/device-tree/model",
	} {
		path := filepath.Join(dir, name)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(path, 0o600); err != nil { // opening it waits for somebody who writes
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if f, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
				_ = f.Close()
			}
		})
	}
	c := New(Options{CPU: true, Temperature: true, Memory: true, Health: true, statfs: statfsOf(dir)})
	cloud, local := c.Collect(hosttest.On(t.Context(), dir))
	got := map[string]bool{}
	for _, s := range slices.Concat(cloud, local) {
		got[s.Name] = true
	}
	for _, name := range []string{"memory usage", "cpu temperature", "swap usage", "fan speed pwmfan 1", "agent memory"} {
		if !got[name] {
			t.Errorf("%q is missing: got %v", name, got)
		}
	}
}

// A clock that is set between two readings changes no figure, only the samples' time.
func TestCollector_a_clock_step_changes_no_figure(t *testing.T) {
	t.Cleanup(func() { hosttest.Write(t, pretence, "0s,synced") })
	dir := t.TempDir()
	unpack(t, "testdata/machines/pi4.txt", dir)
	synctest.Test(t, func(t *testing.T) {
		ctx := hosttest.On(t.Context(), dir)
		c := New(Options{CPU: true, Health: true, statfs: statfsOf(dir)})
		_, before := c.Collect(ctx)
		overlay(t, filepath.Join(dir, "later"), dir)
		hosttest.Write(t, pretence, "-8760h,unsynced")
		time.Sleep(time.Minute)
		_, after := c.Collect(ctx)
		got := valuesOf(after)
		for name, want := range map[string]float64{
			"disk busy sda": 25, "cpu pressure": 10, "network received eth0": 12345678, "clock synchronised": 0,
		} {
			if got[name] != want {
				t.Errorf("%s: got %v, want %v", name, got[name], want)
			}
		}
		if len(before) == 0 || len(after) == 0 || after[0].Time >= before[0].Time {
			t.Errorf("got %v after %v, want it dated a year earlier", after, before)
		}
	})
}

func valuesOf(samples []sample.Sample) map[string]float64 {
	got := map[string]float64{}
	for _, s := range samples {
		got[s.Name] = s.Value
	}
	return got
}
