package thermal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"piway/agent/collect/host"
)

// A thermometer is one that the kernel shows and that measures the CPU.
type thermometer struct {
	name string
	rank int    // in cpuSensors
	file string // with its temperature
	zone string // the folder of its thermal zone, "" if it is none
}

// CPU returns the CPU's temperature in °C: the hottest of those thermometers of the best rank that work.
// ErrAbsent means that the machine shows none. Only the CPU's are read: asking others takes its time (a DS18B20
// measures for 750 ms) or wakes a disk.
func CPU(ctx context.Context) (float64, error) {
	all := append(zones(host.Sys(ctx, "class/thermal")), hwmons(host.Sys(ctx, "class/hwmon"))...)
	slices.SortStableFunc(all, func(a, b thermometer) int { return cmp.Compare(a.rank, b.rank) })
	why := host.ErrAbsent
	for len(all) > 0 {
		best := all[0].rank
		others := slices.IndexFunc(all, func(t thermometer) bool { return t.rank != best })
		if others < 0 {
			others = len(all)
		}
		value, err := hottestOf(all[:others])
		if err == nil {
			return value, nil
		}
		if errors.Is(why, host.ErrAbsent) {
			why = err
		}
		all = all[others:]
	}
	return 0, why
}

// hottestOf returns the highest temperature of those that have one, else why the first has none.
func hottestOf(all []thermometer) (float64, error) {
	best, why := math.Inf(-1), error(nil)
	for _, t := range all {
		value, err := t.read()
		switch {
		case err == nil:
			best = max(best, value)
		case why == nil:
			why = fmt.Errorf("reading the thermometer %s in %s: %w", t.name, t.file, err)
		}
	}
	if math.IsInf(best, -1) {
		return 0, why
	}
	return best, nil
}

// zones returns the thermal zones of the CPU. What drivers make of the same zones in hwmon has the same name, and the
// same temperature; some kernels have no hwmon, and what else is there need not be the CPU's.
func zones(folder string) []thermometer {
	var all []thermometer
	for _, dir := range list(folder, "thermal_zone", "") {
		if t, ok := newThermometer(host.Trimmed(filepath.Join(dir, "type")), filepath.Join(dir, "temp")); ok {
			t.zone = dir
			all = append(all, t)
		}
	}
	return all
}

// hwmons returns the CPU's thermometers among those of the hardware monitors. Before Linux 3.15 some have their files
// in the folder device.
func hwmons(folder string) []thermometer {
	var all []thermometer
	for _, dir := range list(folder, "hwmon", "") {
		for _, dir := range []string{dir, filepath.Join(dir, "device")} {
			name := host.Trimmed(filepath.Join(dir, "name"))
			for _, file := range list(dir, "temp", "_input") {
				label := host.Trimmed(strings.TrimSuffix(file, "_input") + "_label")
				if t, ok := newThermometer(strings.TrimSpace(name+" "+label), file); ok {
					all = append(all, t)
				}
			}
		}
	}
	return all
}

// newThermometer returns false for what does not measure the CPU.
func newThermometer(name, file string) (thermometer, bool) {
	rank, ok := cpuRank(name)
	return thermometer{name: name, rank: rank, file: file}, ok
}

// read returns a plausible temperature.
func (t thermometer) read() (float64, error) {
	text, err := host.ReadHead(t.file)
	switch {
	case errors.Is(err, host.ErrAbsent):
		return 0, errors.New("it has no value, as while it sleeps")
	case err != nil:
		return 0, host.Unnamed(err) // the caller names it
	}
	raw, err := parseRaw(text)
	if err != nil {
		return 0, err
	}
	limit := int64(0)
	if t.zone != "" && !surelyThousandths(raw) {
		limit = hottestTrip(t.zone)
	}
	return celsius(raw, limit)
}

// hottestTrip returns the highest temperature at which the kernel does something about a thermal zone, in the zone's
// unit, 0 if none is known.
func hottestTrip(zone string) int64 {
	highest := int64(0)
	for _, file := range list(zone, "trip_point_", "_temp") {
		if raw, err := parseRaw(host.Trimmed(file)); err == nil {
			highest = max(highest, raw)
		}
	}
	return highest
}

// list returns the paths of what in a folder has a name with this beginning and end; nothing if it cannot be read.
func list(dir, prefix, suffix string) []string {
	names, err := host.Entries(dir, prefix)
	if err != nil {
		return nil
	}
	var paths []string
	for _, name := range names {
		if strings.HasSuffix(name, suffix) {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	return paths
}
