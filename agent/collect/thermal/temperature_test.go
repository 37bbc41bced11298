package thermal_test

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/agent/collect/hosttest"
	"piway/agent/collect/reading"
	"piway/agent/collect/thermal"
)

// temperature is a source of the CPU's temperature only.
func temperature(ctx context.Context, out *reading.Found) error {
	value, err := thermal.CPU(ctx)
	if err == nil {
		out.Add("cpu temperature", "None", value)
	}
	return err
}

// want is the temperature, or none.
func want(celsius ...float64) map[string]float64 {
	all := map[string]float64{}
	for _, c := range celsius {
		all["cpu temperature"] = c
	}
	return all
}

func TestCPU(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  map[string]float64
	}{
		{"none", nil, want()},
		{"thermal zone of a Pi", zone(0, "cpu-thermal", "48312"), want(48.31)},
		{"hwmon of a Pi", hwmon(0, "cpu_thermal", 1, "", "51000"), want(51)},
		{
			"the package, not a core or a disk",
			merge(hwmon(0, "nvme", 1, "Composite", "70000"), hwmon(1, "coretemp", 2, "Core 0", "66000"),
				hwmon(1, "coretemp", 1, "Package id 0", "61000")),
			want(61),
		},
		{"AMD", hwmon(0, "k10temp", 1, "Tctl", "45500"), want(45.5)},
		{"two sockets", merge(hwmon(0, "coretemp", 1, "Package id 0", "40000"),
			hwmon(1, "coretemp", 1, "Package id 1", "44000")), want(44)},
		{"a disk only", hwmon(0, "nvme", 1, "Composite", "40000"), want()},
		// What the field has: a clock chip, a DS18B20, a disk or a power supply beside the CPU's zone.
		{"a clock chip", merge(hwmon(0, "ds3231", 1, "", "31250"), zone(0, "cpu-thermal", "61000")), want(61)},
		{
			"the clock chip of a Pi 5",
			merge(hwmon(0, "rp1_adc", 1, "", "52083"), zone(0, "cpu-thermal", "61000")), want(61),
		},
		{"a DS18B20", merge(hwmon(0, "w1_slave_temp", 1, "", "21500"), zone(0, "cpu-thermal", "61000")), want(61)},
		{
			"a DS18B20 that was just switched on",
			merge(hwmon(0, "w1_slave_temp", 1, "", "85000"), zone(0, "cpu-thermal", "61000")), want(61),
		},
		{"a disk", merge(hwmon(0, "nvme", 1, "Composite", "35850"), zone(0, "cpu-thermal", "61000")), want(61)},
		{
			"the Pi's power supply",
			merge(file("hwmon/hwmon0/name", "rpi_volt"), zone(0, "cpu-thermal", "61000")), want(61),
		},
		{"a clock chip only", hwmon(0, "ds3231", 1, "", "31250"), want()},
		{
			"a zone and what the driver makes of it",
			merge(hwmon(0, "cpu_thermal", 1, "", "48312"), zone(0, "cpu-thermal", "48312")), want(48.31),
		},
		{
			"ten monitors before the CPU's",
			merge(hwmon(10, "cpu_thermal", 1, "", "50000"), hwmon(2, "nvme", 1, "", "30000")), want(50),
		},
		{"a monitor with its files in device", merge(file("hwmon/hwmon0/device/name", "coretemp"),
			file("hwmon/hwmon0/device/temp1_input", "47000"),
			file("hwmon/hwmon0/device/temp1_label", "Package id 0")), want(47)},

		// Boards.
		{"Pi Zero W with an old kernel", zone(0, "bcm2835_thermal", "43850"), want(43.85)},
		{"Rockchip RK3588", merge(zone(0, "bigcore0-thermal", "47200"), zone(1, "bigcore1-thermal", "48100"),
			zone(2, "littlecore-thermal", "46000"), zone(3, "gpu-thermal", "60000"),
			zone(4, "center-thermal", "61000")), want(48.1)},
		{
			"Rockchip, its chip as a whole",
			merge(zone(0, "soc-thermal", "45000"), zone(1, "npu-thermal", "60000")), want(45),
		},
		{"Allwinner", merge(zone(0, "cpu_thermal", "52000"), zone(1, "gpu_thermal", "56000")), want(52)},
		{"Amlogic", merge(zone(0, "cpu-thermal", "44000"), zone(1, "ddr-thermal", "49000")), want(44)},
		{
			"Exynos",
			merge(zone(0, "cpu0-thermal", "55000"), zone(1, "cpu3-thermal", "57000"), zone(2, "gpu-thermal", "70000")), want(57),
		},
		{
			"Jetson",
			merge(zone(0, "AO-therm", "49000"), zone(1, "CPU-therm", "46500"), zone(2, "PMIC-Die", "100000")), want(46.5),
		},
		{"i.MX", zone(0, "imx_thermal_zone", "41000"), want(41)},
		{
			"a PC without coretemp",
			merge(zone(0, "acpitz", "27800"), zone(1, "x86_pkg_temp", "53000"), zone(2, "pch_cannonlake", "60000")), want(53),
		},
		{"a PC with both", merge(zone(0, "x86_pkg_temp", "53000"), hwmon(0, "coretemp", 1, "Package id 0", "53000"),
			hwmon(1, "acpitz", 1, "", "27800"), hwmon(2, "iwlwifi_1", 1, "", "60000")), want(53)},
		{"ACPI only", zone(0, "acpitz", "27800"), want()},
		{"AMD: the die, not what is offset for the fan", merge(hwmon(0, "k10temp", 1, "Tctl", "72000"),
			hwmon(0, "k10temp", 2, "Tdie", "52000"), hwmon(0, "k10temp", 3, "Tccd1", "50000")), want(52)},
		{"a mainboard's chip", hwmon(0, "nct6775", 1, "SYSTIN", "38000"), want()},

		// What sensors read.
		{"a cold shed", zone(0, "cpu-thermal", "-5000"), want(-5)},
		{"a little below 0", zone(0, "cpu-thermal", "-204"), want(-0.2)},
		{"an error as a number", hwmon(0, "cpu_thermal", 1, "", "-1"), want()},
		{"an error as a number in a zone", zone(0, "cpu-thermal", "-1"), want()},
		{"another", zone(0, "cpu-thermal", "-22"), want()},
		{"whole degrees?", zone(0, "cpu-thermal", "51"), want()},
		{"whole degrees? of a monitor", hwmon(0, "cpu_thermal", 1, "", "51"), want()},
		{
			"whole degrees, as its limits are",
			merge(zone(0, "cpu_thermal", "51"), trip(0, 0, "75"), trip(0, 1, "105")), want(51),
		},
		{"whole degrees, switched off", merge(zone(0, "cpu_thermal", "0"), trip(0, 0, "75")), want()},
		{"whole degrees, and the driver's copy", merge(zone(0, "cpu_thermal", "51"), trip(0, 0, "75"),
			hwmon(0, "cpu_thermal", 1, "", "51")), want(51)},
		{"tenths, as its limits are", merge(zone(0, "cpu_thermal", "513"), trip(0, 0, "850")), want(51.3)},
		{"limits in thousandths", merge(zone(0, "cpu_thermal", "51"), trip(0, 0, "80000")), want()},
		{"half a degree", merge(zone(0, "cpu_thermal", "512"), trip(0, 0, "80000")), want(0.51)},
		{"half a degree, limits unknown", merge(zone(0, "cpu_thermal", "512"), trip(0, 0, "-274000")), want(0.51)},
		{"a limit that is garbage", merge(zone(0, "cpu_thermal", "51"), trip(0, 0, "x")), want()},
		{"65535 thousand", zone(0, "cpu-thermal", "65535000"), want()},
		{"all bits", zone(0, "cpu-thermal", "2147483647"), want()},
		{"more than a number holds", zone(0, "cpu-thermal", "99999999999999999999"), want()},
		{
			"an empty file",
			file("thermal/thermal_zone0/type", "cpu-thermal", "thermal/thermal_zone0/temp", ""), want(),
		},
		{"no type", file("thermal/thermal_zone0/temp", "50000"), want()},
		{"a fraction", zone(0, "cpu-thermal", "48.3"), want()},
		{
			"a file that cannot be read",
			file("thermal/thermal_zone0/type", "cpu-thermal", "thermal/thermal_zone0/temp/x", ""), want(),
		},
		{"one of two cannot be read", merge(file("thermal/thermal_zone0/type", "cpu-thermal"),
			file("thermal/thermal_zone0/temp/x", ""), zone(1, "soc-thermal", "40000")), want(40)},
		{
			"a dead one beside one that works",
			merge(hwmon(0, "cpu_thermal", 1, "", "0"), zone(0, "cpu-thermal", "40000")), want(40),
		},
		{"hot", zone(0, "cpu-thermal", "85000"), want(85)},
		{"a dead sensor", zone(0, "cpu-thermal", "0"), want()},
		{"an impossible value", zone(0, "cpu-thermal", "-273000"), want()},
		{
			"one of two is garbage", merge(zone(0, "soc-thermal", "x"), zone(1, "cpu-thermal", "40000")),
			want(40),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{}
			for name, text := range tt.files {
				files["sys/class/"+name] = text
			}
			got, _, _ := hosttest.Read(t, files, temperature)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func zone(n int, kind, temp string) map[string]string {
	dir := "thermal/thermal_zone" + strconv.Itoa(n) + "/"
	return map[string]string{dir + "type": kind + "\n", dir + "temp": temp + "\n"}
}

func hwmon(n int, name string, input int, label, temp string) map[string]string {
	dir := "hwmon/hwmon" + strconv.Itoa(n) + "/"
	temperature := dir + "temp" + strconv.Itoa(input)
	files := map[string]string{dir + "name": name + "\n", temperature + "_input": temp + "\n"}
	if label != "" {
		files[temperature+"_label"] = label + "\n"
	}
	return files
}

// trip is a temperature at which the kernel does something about a zone.
func trip(zone, n int, temp string) map[string]string {
	return file("thermal/thermal_zone"+strconv.Itoa(zone)+"/trip_point_"+strconv.Itoa(n)+"_temp", temp)
}

// file returns files: name, text, name, text.
func file(pairs ...string) map[string]string {
	files := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		files[pair[0]] = pair[1]
	}
	return files
}

func merge(parts ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, p := range parts {
		maps.Copy(all, p)
	}
	return all
}
