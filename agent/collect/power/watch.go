package power

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"piway/agent/collect/host"
	"piway/agent/collect/notify"
)

// sources are the files that tell of power; "" for one that this machine does not have.
type sources struct{ alarm, throttled string }

// tell reports whether they tell of a condition.
func (f sources) tell(condition int) bool {
	return f.throttled != "" || f.alarm != "" && condition == UnderVoltage
}

// paths returns those that there are.
func (f sources) paths() []string {
	return slices.DeleteFunc([]string{f.alarm, f.throttled}, func(path string) bool { return path == "" })
}

// findSources looks where the files are. The names of their folders differ by model and by kernel, as in
// soc@107c000000/soc@107c000000:firmware of a Raspberry Pi 5.
func findSources(ctx context.Context) (f sources) {
	chips := host.Sys(ctx, "class/hwmon")
	names, _ := host.Entries(chips, "hwmon") // a machine without has no such chip
	for _, name := range names {
		alarm := filepath.Join(chips, name, "in0_lcrit_alarm")
		if host.Trimmed(filepath.Join(chips, name, "name")) == "rpi_volt" && host.Exists(alarm) {
			f.alarm = alarm
		}
	}
	if warningStops(ctx) {
		return f
	}
	platform := host.Sys(ctx, "devices/platform")
	socs, _ := host.Entries(platform, "soc")
	for _, soc := range socs {
		devices, _ := host.Entries(filepath.Join(platform, soc), "soc")
		for _, device := range devices {
			throttled := filepath.Join(platform, soc, device, "get_throttled")
			if strings.HasSuffix(device, ":firmware") && host.Exists(throttled) {
				f.throttled = throttled
			}
		}
	}
	return f
}

// warningStops reports whether the kernel stops the machine at a warning, or after so many.
func warningStops(ctx context.Context) bool {
	for _, name := range []string{"panic_on_warn", "warn_limit"} {
		if n, err := host.ReadCount(host.Proc(ctx, "sys/kernel/"+name)); err == nil && n > 0 {
			return true
		}
	}
	return false
}

// use makes files those that are looked at, and has them watched if they are not.
func (w *Watch) use(files sources) {
	if files != w.files {
		for c := range w.states {
			if !files.tell(c) {
				w.states[c].set(false, time.Now())
				w.states[c].known = false
			}
		}
		w.files, w.bits, w.fault = files, unknown, nil
	}
	if w.watched == files {
		return
	}
	if w.unwatch != nil {
		w.unwatch()
	}
	select {
	case w.renewed <- struct{}{}:
	default:
	}
}

// Run looks at the files whenever one of them changes, until ctx ends. Counting begins with it, or with the first
// reading.
func (w *Watch) Run(ctx context.Context) {
	files := findSources(ctx)
	w.mu.Lock()
	w.use(files)
	w.mu.Unlock()
	for {
		select {
		case <-w.renewed:
			w.watchOnce(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// watchOnce watches the files that there are now, until ctx ends, they are others, or they cannot be watched. The next
// reading has it tried again.
func (w *Watch) watchOnce(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	files := w.begin(cancel)
	if files == (sources{}) {
		return
	}
	err := notify.Files(ctx, files.paths(), func(read func(path string) (string, error)) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.fault = nil; w.files == files {
			w.observe(read)
		}
	})
	if ctx.Err() != nil {
		err = nil
	}
	w.ended(err)
}

// begin notes what is watched now.
func (w *Watch) begin(cancel context.CancelFunc) sources {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watched, w.unwatch = w.files, cancel
	return w.watched
}

// ended notes that nothing is watched any more. An error says why, if something should be.
func (w *Watch) ended(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil && w.watched == w.files {
		w.fault = fmt.Errorf("what comes and goes between two readings is not seen: %w", err)
	}
	w.watched, w.unwatch = sources{}, nil
}
