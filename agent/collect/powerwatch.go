package collect

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

// powerFiles are the files that tell of power; "" for one that this machine does not have.
type powerFiles struct{ alarm, throttled string }

// tell reports whether they tell of a condition.
func (f powerFiles) tell(condition int) bool {
	return f.throttled != "" || f.alarm != "" && condition == underVoltage
}

// paths returns those that there are.
func (f powerFiles) paths() []string {
	return slices.DeleteFunc([]string{f.alarm, f.throttled}, func(path string) bool { return path == "" })
}

// findPower looks where the files are. The names of their folders differ by model and by kernel, as in
// soc@107c000000/soc@107c000000:firmware of a Raspberry Pi 5.
func findPower(ctx context.Context) (f powerFiles) {
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
func (p *power) use(files powerFiles) {
	if files != p.files {
		for c := range p.states {
			if !files.tell(c) {
				p.states[c].set(false, time.Now())
				p.states[c].known = false
			}
		}
		p.files, p.bits, p.fault = files, unknown, nil
	}
	if p.watched == files {
		return
	}
	if p.unwatch != nil {
		p.unwatch()
	}
	select {
	case p.renewed <- struct{}{}:
	default:
	}
}

// watch looks at the files whenever one of them changes, until ctx ends. Counting begins with it, or with the first
// reading.
func (p *power) watch(ctx context.Context) {
	files := findPower(ctx)
	p.mu.Lock()
	p.use(files)
	p.mu.Unlock()
	for {
		select {
		case <-p.renewed:
			p.watchOnce(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// watchOnce watches the files that there are now, until ctx ends, they are others, or they cannot be watched. The next
// reading has it tried again.
func (p *power) watchOnce(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	files := p.begin(cancel)
	if files == (powerFiles{}) {
		return
	}
	err := notify.Files(ctx, files.paths(), func(read func(path string) (string, error)) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.fault = nil; p.files == files {
			p.observe(read)
		}
	})
	if ctx.Err() != nil {
		err = nil
	}
	p.ended(err)
}

// begin notes what is watched now.
func (p *power) begin(cancel context.CancelFunc) powerFiles {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watched, p.unwatch = p.files, cancel
	return p.watched
}

// ended notes that nothing is watched any more. An error says why, if something should be.
func (p *power) ended(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && p.watched == p.files {
		p.fault = fmt.Errorf("what comes and goes between two readings is not seen: %w", err)
	}
	p.watched, p.unwatch = powerFiles{}, nil
}
