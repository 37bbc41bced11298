package collect

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shirou/gopsutil/v3/host"
)

// cpuSensors are the beginnings of the names under which kernels show the CPU's temperature, the best first.
// "-" is written "_" here. What only measures the board or a disk is not among them.
var cpuSensors = []string{
	"cpu_thermal", // Raspberry Pi and most ARM boards
	"cpu",
	"soc_thermal",
	"soc",
	"bigcore",
	"bcm2835_thermal",
	"imx_thermal",
	"coretemp_package", // Intel
	"x86_pkg_temp",
	"coretemp",
	"k10temp_tdie", // AMD; Tctl may be offset from it
	"k10temp_tctl",
	"k10temp",
	"zenpower_tdie",
}

// cpuTemperature returns the CPU's temperature in °C, ErrAbsent if the machine shows none.
func cpuTemperature(ctx context.Context) (float64, error) {
	all, err := host.SensorsTemperaturesWithContext(ctx)
	if len(all) == 0 && err != nil && !isWarning(err) {
		return 0, fmt.Errorf("reading temperatures: %w", err)
	}
	for _, name := range cpuSensors {
		if t, ok := hottest(all, name); ok {
			return t, nil
		}
	}
	if err != nil { // one that could not be read may be the CPU's
		return 0, fmt.Errorf("reading temperatures: %w", err)
	}
	return 0, ErrAbsent
}

// isWarning says whether the library only complains of single sensors.
func isWarning(err error) bool {
	_, ok := errors.AsType[*host.Warnings](err)
	return ok
}

// hottest returns the highest plausible temperature among the sensors whose names begin with name.
func hottest(all []host.TemperatureStat, name string) (float64, bool) {
	best, found := 0.0, false
	for _, s := range all {
		key := strings.ReplaceAll(strings.ToLower(s.SensorKey), "-", "_")
		if strings.HasPrefix(key, name) && plausible(s.Temperature) && (!found || s.Temperature > best) {
			best, found = s.Temperature, true
		}
	}
	return best, found
}

// plausible refuses what dead sensors show: exactly 0, and values that no running CPU has.
func plausible(celsius float64) bool { return celsius != 0 && celsius > -60 && celsius < 200 }
