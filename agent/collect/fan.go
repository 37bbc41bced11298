package collect

import (
	"context"
	"path/filepath"
	"strings"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

// maxFans is how many fans are told of.
const maxFans = 8

// A fan is one output of a hwmon chip (Documentation/hwmon/sysfs-interface.rst).
type fan struct {
	name      string // chip and number, such as "pwmfan 1"
	rpm, duty uint64 // duty of 255
	hasRPM    bool
	hasDuty   bool
}

// fans reads speed and duty of fans. A fan that does not turn although it is driven is absent, not 0: tachometers read
// 0 while the fan turns, that of a Raspberry Pi 5 from the middle of its duty on. Its duty is told all the same.
func fans(ctx context.Context, out *reading.Found) error {
	dir := host.Sys(ctx, "class/hwmon")
	chips, err := host.Entries(dir, "hwmon")
	if err != nil {
		return err
	}
	var all []fan
	for _, chip := range chips {
		all = append(all, fansOf(filepath.Join(dir, chip))...)
	}
	if len(all) == 0 {
		return host.ErrAbsent
	}
	for _, f := range reading.AtMost(out, all, maxFans, 2, "fans") {
		if f.hasDuty {
			out.Add("fan duty "+f.name, "Percent", 100*float64(f.duty)/255)
		}
		if f.speedKnown() {
			out.Add("fan speed "+f.name, "None", float64(f.rpm))
		}
	}
	return nil
}

// speedKnown reports whether the tachometer can be believed.
func (f fan) speedKnown() bool { return f.hasRPM && (f.rpm > 0 || f.hasDuty && f.duty == 0) }

// fansOf returns the fans of a chip.
func fansOf(dir string) []fan {
	names, err := host.Entries(dir, "")
	if err != nil {
		return nil
	}
	chip := host.Trimmed(filepath.Join(dir, "name"))
	var all []fan
	for _, n := range fanNumbers(names) {
		f := fan{name: chip + " " + n}
		f.rpm, err = host.ReadCount(filepath.Join(dir, "fan"+n+"_input"))
		f.hasRPM = err == nil
		f.duty, err = host.ReadCount(filepath.Join(dir, "pwm"+n))
		f.hasDuty = err == nil && f.duty <= 255
		if f.hasRPM || f.hasDuty {
			all = append(all, f)
		}
	}
	return all
}

// fanNumbers returns the numbers of fanN_input and pwmN among the names of a chip's files.
func fanNumbers(names []string) []string {
	var numbers []string
	seen := map[string]bool{"": true}
	for _, name := range names {
		n, ok := strings.CutPrefix(strings.TrimSuffix(name, "_input"), "fan")
		if !ok {
			n, ok = strings.CutPrefix(name, "pwm")
		}
		if ok && strings.Trim(n, "0123456789") == "" && !seen[n] {
			seen[n] = true
			numbers = append(numbers, n)
		}
	}
	return numbers
}
