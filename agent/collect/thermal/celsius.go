package thermal

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// cpuSensors are the beginnings of the names under which kernels show the CPU's temperature, the best first; those of
// one rank are as good as each other. "-" and " " are written "_" here. A name is the type of a thermal zone, or that
// of a hardware monitor and the label of its input. What measures the board, a disk, a clock, the air or the ACPI's
// idea of a zone (acpitz) is not among them.
var cpuSensors = [][]string{
	{"cpu_thermal"}, // Raspberry Pi and most ARM boards
	{"cpu", "bcpu", "mcpu", "mtktscpu"},
	{"soc_thermal", "package_thermal"},
	{"soc"},
	{"bigcore", "big_core", "littlecore", "little_core"}, // Rockchip
	{"bcm2835_thermal", "imx_thermal", "sunxi_therm", "aml_thermal", "armada_thermal", "exynos"},
	{"coretemp_package"}, // Intel
	{"x86_pkg_temp"},
	{"coretemp"},
	{"k10temp_tdie", "zenpower_tdie"}, // AMD; Tctl may be offset from it
	{"k10temp_tctl", "zenpower_tctl"},
	{"k10temp", "via_cputemp"},
}

// cpuRank returns the place of a name in cpuSensors, false if it has none.
func cpuRank(name string) (int, bool) {
	name = strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(name))
	rank := slices.IndexFunc(cpuSensors, func(names []string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(name, n) })
	})
	return rank, rank >= 0
}

// The errors below name no value: a complaint that changes is told again.

// parseRaw reads the number that a temperature file of sysfs holds.
func parseRaw(text string) (int64, error) {
	raw, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0, errors.New("it reads what is no whole number")
	}
	return raw, nil
}

// The kernel's unit is a thousandth of a degree. Some vendors' kernels have whole degrees or tenths.
const (
	maxWhole  = 200    // above, a number is no temperature in whole degrees
	maxTenths = 2_000  // above, none in tenths
	dead      = 0      // what sensors read that are switched off
	coldest   = -60    // °C; below, and above hottest, no CPU runs: sensors that are broken read 65535 or -273
	hottest   = 200    // °C
	thousand  = 1000.0 // thousandths in a degree
)

// surelyThousandths says whether a number can be in no other unit.
func surelyThousandths(raw int64) bool { return raw > maxTenths || raw < -maxTenths }

// celsius returns the temperature in °C that raw stands for. Limit is a high temperature in the same unit, such as
// that at which the machine is switched off; 0 if none is known. Without it a number that may be whole degrees, or what
// drivers return instead of an error, is refused: thousandths would make it about 0 °C.
func celsius(raw, limit int64) (float64, error) {
	unit := unitOf(raw, limit)
	value := float64(raw) / max(unit, 1)
	switch {
	case raw == dead:
		return 0, errors.New("it reads 0, as switched off")
	case unit == 0:
		return 0, errors.New("it reads what may be thousandths of a degree, whole ones, or an error")
	case value <= coldest || value >= hottest:
		return 0, errors.New("it reads what is no temperature of a CPU")
	}
	return value, nil
}

// unitOf returns how many of the unit of a number make a degree, 0 if that is not to be told.
func unitOf(raw, limit int64) float64 {
	switch {
	case surelyThousandths(raw):
		return thousand
	case limit > 0 && limit <= maxWhole:
		return 1
	case limit > 0 && limit <= maxTenths:
		return 10
	case raw <= maxWhole && raw >= -maxWhole:
		return 0
	}
	return thousand
}
