package power

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"piway/agent/collect/host"
	"piway/agent/collect/hosttest"
	"piway/agent/collect/reading"
)

const (
	alarmFile     = "sys/class/hwmon/hwmon1/in0_lcrit_alarm"
	throttledFile = "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"
)

// A board is a machine of files.
type board struct {
	t   *testing.T
	dir string
	ctx context.Context
	p   *Watch
}

// newBoard makes a machine with these files.
func newBoard(t *testing.T, files map[string]string) *board {
	t.Helper()
	dir := hosttest.New(t, files)
	return &board{t: t, dir: dir, ctx: hosttest.On(t.Context(), dir), p: New()}
}

// rpiVolt is a chip with such an alarm, beside another chip.
func rpiVolt(alarm string) map[string]string {
	return map[string]string{
		"sys/class/hwmon/hwmon0/name": "cpu_thermal\n", "sys/class/hwmon/hwmon0/in0_lcrit_alarm": "1\n",
		"sys/class/hwmon/hwmon1/name": "rpi_volt\n", alarmFile: alarm,
	}
}

func (b *board) write(name, text string) {
	b.t.Helper()
	hosttest.Write(b.t, filepath.Join(b.dir, name), text)
}

// read returns what a reading gives, by name, and what was missing.
func (b *board) read() (map[string]float64, error) {
	f := reading.Guarded(b.ctx, b.p.Read)
	got := map[string]float64{}
	for _, s := range f.Samples {
		got[s.Name] = s.Value
	}
	return got, f.Err
}

// watch watches until the test ends.
func (b *board) watch() {
	ctx, cancel := context.WithCancel(b.ctx)
	done := make(chan struct{})
	go func() { b.p.Run(ctx); close(done) }()
	b.t.Cleanup(func() { cancel(); <-done })
	b.until("it is watched", func() bool { return b.p.watched != sources{} && b.p.watched == b.p.files })
}

// until waits for what the watch does.
func (b *board) until(what string, is func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		b.p.mu.Lock()
		done := is()
		b.p.mu.Unlock()
		if done {
			return
		}
	}
	b.t.Fatalf("waited in vain until %s", what)
}

// flip writes a file and waits until the watch has seen what it says of a condition.
func (b *board) flip(name, text string, condition int, on bool) {
	b.t.Helper()
	b.write(name, text)
	b.until("seen", func() bool { return b.p.states[condition].on == on })
}

func TestPower_what_each_machine_tells(t *testing.T) {
	t.Parallel()
	under := []string{"undervoltage episodes", "undervoltage longest", "undervoltage seconds"}
	all := slicesOf("frequency capped", "soft temperature limit", "throttled", "undervoltage")
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"none", nil, nil},
		{"other chips", map[string]string{"sys/class/hwmon/hwmon0/name": "nvme\n"}, nil},
		{"hwmon", rpiVolt("0\n"), under},
		{"firmware of a Pi 5", map[string]string{throttledFile: "0\n"}, all},
		{
			"firmware of older ones", map[string]string{"sys/devices/platform/soc/soc:firmware/get_throttled": "50000\n"}, all,
		},
		{"both", hosttest.WithFile(rpiVolt("0\n"), throttledFile, "0\n"), all},
		{
			"the kernel panics at warnings",
			hosttest.WithFile(hosttest.WithFile(rpiVolt("0\n"), throttledFile, "0\n"), "proc/sys/kernel/panic_on_warn", "1\n"), under,
		},
		{
			"the kernel stops at the tenth warning",
			map[string]string{throttledFile: "0\n", "proc/sys/kernel/warn_limit": "10\n"},
			nil,
		},
		{
			"the kernel goes on",
			map[string]string{throttledFile: "0\n", "proc/sys/kernel/panic_on_warn": "0\n", "proc/sys/kernel/warn_limit": "0\n"},
			all,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBoard(t, tt.files)
			want := reading.ErrEarly
			if tt.want == nil {
				want = host.ErrAbsent
			}
			if got, err := b.read(); len(got) != 0 || !errors.Is(err, want) {
				t.Errorf("first reading: got %v, %v, want %v", got, err, want)
			}
			got, err := b.read()
			if names := slices.Sorted(maps.Keys(got)); strings.Join(names, ",") != strings.Join(tt.want, ",") {
				t.Errorf("got %q, %v, want %q", names, err, tt.want)
			}
			for name, v := range got {
				if v != 0 {
					t.Errorf("%s: got %v, want 0", name, v)
				}
			}
		})
	}
}

// Twenty changes between two readings are ten episodes, neither more nor less.
func TestPower_every_episode_between_two_readings_is_counted(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]struct{ name, on, off string }{
		"hwmon":                      {alarmFile, "1\n", "0\n"},
		"firmware":                   {throttledFile, "50005\n", "0\n"},
		"firmware with sticky bits":  {throttledFile, "50005\n", "50000\n"},
		"firmware with nothing else": {throttledFile, "1", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBoard(t, hosttest.WithFile(map[string]string{"sys/class/hwmon/hwmon1/name": "rpi_volt\n"}, file.name, file.off))
			_, _ = b.read()
			b.watch()
			start := time.Now()
			for range 10 {
				b.flip(file.name, file.on, UnderVoltage, true)
				b.flip(file.name, file.off, UnderVoltage, false)
			}
			most := time.Since(start).Seconds()
			got, err := b.read()
			if got["undervoltage episodes"] != 10 || err != nil {
				t.Errorf("got %v, %v, want 10 episodes", got, err)
			}
			if s, l := got["undervoltage seconds"], got["undervoltage longest"]; l <= 0 || s < l || s > most+0.01 {
				t.Errorf("got %v s in all, %v s the longest, of %v s", s, l, most)
			}
			if got, err := b.read(); got["undervoltage episodes"] != 0 || got["undervoltage seconds"] != 0 || err != nil {
				t.Errorf("the next reading: got %v, %v", got, err)
			}
		})
	}
}

func TestPower_conditions_are_counted_apart(t *testing.T) {
	t.Parallel()
	b := newBoard(t, map[string]string{throttledFile: "0\n"})
	_, _ = b.read()
	b.watch()
	b.flip(throttledFile, "80008", SoftTemperatureLimit, true)
	b.flip(throttledFile, "e000e", Throttling, true)
	b.flip(throttledFile, "e000a", Throttling, false)
	b.flip(throttledFile, "e000e", Throttling, true)
	b.flip(throttledFile, "0", FrequencyCapped, false)
	got, _ := b.read()
	for name, want := range map[string]float64{
		"undervoltage": 0, "frequency capped": 1, "throttled": 2, "soft temperature limit": 1,
	} {
		if n := got[name+" episodes"]; n != want {
			t.Errorf("%s: got %v, want %v", name, n, want)
		}
	}
}

func TestPower_an_episode_over_a_readings_end(t *testing.T) {
	t.Parallel()
	b := newBoard(t, rpiVolt("1\n")) // it holds already when the agent starts
	_, _ = b.read()
	time.Sleep(20 * time.Millisecond) // what is measured
	first, _ := b.read()
	time.Sleep(20 * time.Millisecond)
	second, _ := b.read()
	if first["undervoltage episodes"] != 1 || second["undervoltage episodes"] != 0 {
		t.Errorf("episodes: got %v, then %v, want 1 and 0", first, second)
	}
	for _, got := range []map[string]float64{first, second} {
		if got["undervoltage seconds"] < 0.02 {
			t.Errorf("got %v, want 0.02 s or more in each", got)
		}
	}
	if second["undervoltage longest"] < 0.04 {
		t.Errorf("got %v, want the whole episode as the longest", second)
	}
}

func TestPower_a_source_that_cannot_be_read(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "garbage\n", "2\n"} {
		b := newBoard(t, hosttest.WithFile(rpiVolt("0\n"), throttledFile, "0\n"))
		_, _ = b.read()
		b.watch()
		b.flip(alarmFile, "1\n", UnderVoltage, true)
		b.write(alarmFile, bad)
		b.until("it cannot be read", func() bool { return b.p.states[UnderVoltage].fault != nil })
		got, err := b.read()
		if _, ok := got["undervoltage seconds"]; ok || err == nil || !strings.Contains(err.Error(), "in0_lcrit_alarm") {
			t.Errorf("%q: got %v, %v, want no under-voltage and why", bad, got, err)
		}
		if _, ok := got["throttled seconds"]; !ok {
			t.Errorf("%q: the other source: got %v", bad, got)
		}
		b.flip(alarmFile, "1\n", UnderVoltage, true)
		if got, err := b.read(); got["undervoltage episodes"] != 2 || err != nil {
			t.Errorf("%q: when it can be read again: got %v, %v, want both episodes", bad, got, err)
		}
	}
}

// Counting begins when the agent starts, not with its first reading.
func TestPower_before_the_first_reading(t *testing.T) {
	t.Parallel()
	b := newBoard(t, rpiVolt("0\n"))
	b.watch()
	b.flip(alarmFile, "1\n", UnderVoltage, true)
	b.flip(alarmFile, "0\n", UnderVoltage, false)
	if got, err := b.read(); got["undervoltage episodes"] != 1 || err != nil {
		t.Errorf("got %v, %v, want 1 episode", got, err)
	}
}

// A driver may be loaded after the agent has started, and unloaded.
func TestPower_a_source_that_comes_and_goes(t *testing.T) {
	t.Parallel()
	b := newBoard(t, nil)
	if _, err := b.read(); !errors.Is(err, host.ErrAbsent) {
		t.Errorf("got %v", err)
	}
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(b.ctx)
	go func() { b.p.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	for range 3 {
		for name, text := range rpiVolt("0\n") {
			b.write(name, text)
		}
		if got, err := b.read(); len(got) != 0 || !errors.Is(err, reading.ErrEarly) {
			t.Errorf("it has come: got %v, %v", got, err)
		}
		b.until("it is watched", func() bool { return b.p.watched == b.p.files })
		b.flip(alarmFile, "1\n", UnderVoltage, true)
		b.flip(alarmFile, "0\n", UnderVoltage, false)
		if got, err := b.read(); got["undervoltage episodes"] != 1 || err != nil {
			t.Errorf("got %v, %v, want 1 episode", got, err)
		}
		if err := os.RemoveAll(filepath.Join(b.dir, "sys")); err != nil {
			t.Fatal(err)
		}
		if got, err := b.read(); len(got) != 0 || !errors.Is(err, host.ErrAbsent) {
			t.Errorf("it has gone: got %v, %v", got, err)
		}
		b.until("nothing is watched", func() bool { return b.p.watched == sources{} })
	}
}

// What cannot be watched is told, and the readings go on.
func TestPower_what_is_not_watched_is_told(t *testing.T) {
	t.Parallel()
	b := newBoard(t, rpiVolt("0\n"))
	_, _ = b.read()
	<-b.p.renewed
	b.p.begin(func() {})
	b.p.ended(errors.New("too many open files"))
	got, err := b.read()
	if _, ok := got["undervoltage seconds"]; !ok || err == nil || !strings.Contains(err.Error(), "between two readings") {
		t.Errorf("got %v, %v", got, err)
	}
	<-b.p.renewed // it is to be tried again
}

// What nobody waits for any more is kept for the next reading.
func TestPower_a_reading_that_comes_too_late_takes_nothing(t *testing.T) {
	t.Parallel()
	b := newBoard(t, rpiVolt("0\n"))
	_, _ = b.read()
	b.watch()
	b.flip(alarmFile, "1\n", UnderVoltage, true)
	b.flip(alarmFile, "0\n", UnderVoltage, false)
	late, cancel := context.WithCancel(b.ctx)
	cancel()
	if f := reading.Guarded(late, b.p.Read); len(f.Samples) != 0 || f.Err == nil {
		t.Errorf("got %+v", f)
	}
	if got, _ := b.read(); got["undervoltage episodes"] != 1 {
		t.Errorf("got %v, want the episode", got)
	}
}

func slicesOf(names ...string) (all []string) {
	for _, name := range names {
		all = append(all, name+" episodes", name+" longest", name+" seconds")
	}
	return all
}
