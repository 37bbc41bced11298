package collect

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"piway/agent/collect/host"
	"piway/agent/collect/hosttest"
	"piway/agent/collect/reading"
)

func TestWatchdogArmed(t *testing.T) {
	t.Parallel()
	const state = "sys/class/watchdog/watchdog0/state"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  map[string]float64
		why   error
	}{
		{"none", nil, map[string]float64{}, host.ErrAbsent},
		{
			"a kernel that does not tell",
			map[string]string{"sys/class/watchdog/watchdog0/dev": "10:130\n"},
			map[string]float64{},
			host.ErrAbsent,
		},
		{"armed", map[string]string{state: "active\n"}, map[string]float64{"watchdog armed": 1}, nil},
		{"not armed", map[string]string{state: "inactive\n"}, map[string]float64{"watchdog armed": 0}, nil},
		{
			"one of two",
			map[string]string{state: "inactive\n", "sys/class/watchdog/watchdog1/state": "active\n"},
			map[string]float64{"watchdog armed": 1},
			nil,
		},
	} {
		if got, _, err := hosttest.Read(t, tt.files, watchdogArmed); !maps.Equal(got, tt.want) || !errors.Is(err, tt.why) {
			t.Errorf("%s: got %v, %v, want %v, %v", tt.name, got, err, tt.want, tt.why)
		}
	}
	got, _, err := hosttest.Read(t, map[string]string{state: "on\n"}, watchdogArmed)
	if len(got) != 0 || err == nil || errors.Is(err, host.ErrAbsent) {
		t.Errorf("garbage: got %v, %v", got, err)
	}
}

func TestBootReason(t *testing.T) {
	t.Parallel()
	const cut, status = "proc/device-tree/chosen/power/power_reset", "proc/device-tree/chosen/bootloader/rsts"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"none", nil, ""},
		{"power on", map[string]string{status: "\x00\x00\x10\x00"}, "power on"},
		{"reset", map[string]string{status: "\x00\x00\x00\x20"}, "reboot or watchdog"},
		{"reset into a partition", map[string]string{status: "\x00\x00\x04\x21"}, "reboot or watchdog"},
		{"only a partition", map[string]string{status: "\x00\x00\x05\x55"}, ""},
		{"the power failed", map[string]string{cut: "\x00\x00\x00\x02", status: "\x00\x00\x10\x00"}, "under-voltage"},
		{"it did not", map[string]string{cut: "\x00\x00\x00\x00", status: "\x00\x00\x10\x00"}, "power on"},
		{"the power chip's watchdog", map[string]string{cut: "\x00\x00\x00\x10"}, "watchdog"},
		{"not known yet", map[string]string{cut: "\x00\x00\x01\x00"}, ""},
		{"in sys", map[string]string{"sys/firmware/devicetree/base/chosen/bootloader/rsts": "\x00\x00\x10\x00"}, "power on"},
		{"too short", map[string]string{status: "\x10\x00"}, ""},
		{"a PC's watchdog", map[string]string{"sys/class/watchdog/watchdog0/bootstatus": "32\n"}, "watchdog"},
		{"a PC", map[string]string{"sys/class/watchdog/watchdog0/bootstatus": "0\n"}, ""},
	} {
		_, said, err := hosttest.Read(t, tt.files, new(bootReason).read)
		if said["boot reason"] != tt.want || (tt.want == "") != errors.Is(err, host.ErrAbsent) {
			t.Errorf("%s: got %q, %v, want %q", tt.name, said["boot reason"], err, tt.want)
		}
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		units []string
		want  string
	}{
		{"none", nil, "none"},
		{"one", []string{"a.service"}, "a.service"},
		{"two", []string{"a.service", "b.mount"}, "a.service, b.mount"},
		{"a long one", []string{strings.Repeat("x", 250)}, strings.Repeat("x", 128)},
		{
			"many", strings.Split(strings.Repeat("a123456789.service ", 30)+"z", " "),
			strings.Repeat("a123456789.service, ", 4) + "a123456789.service and 26 more",
		},
		{"long ones", []string{strings.Repeat("x", 250), strings.Repeat("y", 250)}, "2"},
	} {
		u := newUnits(func(context.Context) ([]string, error) { return tt.units, nil })
		got, said, err := hosttest.Read(t, nil, u.read)
		if err != nil || got["failed units"] != float64(len(tt.units)) || said["failed units"] != tt.want {
			t.Errorf("%s: got %v, %q, %v, want %q", tt.name, got, said["failed units"], err, tt.want)
		}
	}
	// No socket beneath HOST_RUN.
	if got, said, err := hosttest.Read(t, nil, newUnits(nil).read); len(got)+len(said) != 0 || !errors.Is(err, host.ErrAbsent) {
		t.Errorf("no bus: got %v, %v, %v", got, said, err)
	}
}

func TestAddressPath(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"": "", "unix:path=/run/dbus/system_bus_socket": "/run/dbus/system_bus_socket",
		"tcp:host=x;unix:path=/a%20b,guid=12": "/a b", "unix:abstract=x": "", "unix:path=%zz": "",
		"unixexec:path=/bin/sh": "",
	} {
		if got := addressPath(address); got != want {
			t.Errorf("%q: got %q, want %q", address, got, want)
		}
	}
}

func FuzzServices(f *testing.F) {
	for _, text := range []string{"active\n", "inactive", "unix:path=/run/bus,guid=1", "a.service", "\x00\x10", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if on, err := parseWatchdog(text); on && err != nil {
			t.Errorf("%q: active, and %v", text, err)
		}
		if line := listed([]string{text, text, text, text}); len(line) > reading.MaxAttribute {
			t.Errorf("%q: %d bytes", text, len(line))
		}
		_ = addressPath(text)
	})
}
