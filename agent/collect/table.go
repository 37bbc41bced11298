package collect

import (
	"slices"
	"strings"
)

// A Row is one metric, or all that differ only in what a word in capitals stands for.
type Row struct {
	// Name is the metric's, such as "network received IFACE".
	Name string
	// Unit is one of CloudWatch's.
	Unit string
	// Meaning is what the value says, in one sentence.
	Meaning string
	// Source is where it is read.
	Source string
	// Models are the machines that have it; empty means all.
	Models string
	// Cloud is what goes to CloudWatch without being asked for. All else stays on the LAN.
	Cloud bool
}

// An Attribute is what a machine says of itself beside its metrics.
type Attribute struct{ Key, Meaning, Source, Models string }

// Table returns all metrics, in the order in which docs/metrics.md has them.
func Table() []Row {
	return slices.Concat(four, powerRows(), storageRows, serviceRows, machineRows, diskRows, networkRows, agentRows)
}

// Attributes returns all that a machine may say of itself.
func Attributes() []Attribute { return slices.Concat(identityRows, healthAttributes) }

// Matches reports whether a metric is one of the row's.
func (r Row) Matches(name string) bool {
	words := strings.Fields(r.Name)
	rest := name
	for i, word := range words {
		if isPlaceholder(word) { // always the last: what it stands for may have any form
			return rest != "" && i == len(words)-1
		}
		after, ok := strings.CutPrefix(rest, word)
		if !ok {
			return false
		}
		if rest = strings.TrimPrefix(after, " "); i < len(words)-1 && rest == after {
			return false
		}
	}
	return rest == ""
}

// isPlaceholder reports whether a word of a name stands for something else.
func isPlaceholder(word string) bool {
	return len(word) > 1 && strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// four are the recipe's.
var four = []Row{
	{
		Name: "disk usage PATH", Unit: "Percent", Cloud: true,
		Meaning: "How full the file system at PATH is, as `df` shows it. Absent while the disk is not mounted. To the cloud " +
			"go those of `collect.disks`; the other disks' stay on the LAN.",
		Source: "statfs(2); `/proc/self/mountinfo`; `/etc/fstab`",
	},
	{
		Name: "cpu usage", Unit: "Percent", Cloud: true,
		Meaning: "CPU time spent busy since the last report, over all CPUs. Waiting for a disk is not busy.",
		Source:  "`/proc/stat`",
	},
	{
		Name: "cpu temperature", Unit: "None", Cloud: true, Meaning: "The CPU's temperature in °C.",
		Source: "`/sys/class/thermal`, `/sys/class/hwmon`", Models: "all Raspberry Pis; PCs; no virtual machine",
	},
	{
		Name: "memory usage", Unit: "Megabytes", Cloud: true,
		Meaning: "Memory in use, in 10^6 bytes: total minus available, as `free --mega` shows it.", Source: "`/proc/meminfo`",
	},
}

var machineRows = []Row{
	{Name: "uptime", Unit: "Seconds", Meaning: "Time since the machine started.", Source: "`/proc/uptime`"},
	{
		Name: "clock synchronised", Unit: "None", Meaning: "1 while a time service keeps the clock right, 0 while none does.",
		Source: "adjtimex(2)",
	},
	{Name: "load 1m", Unit: "None", Meaning: "Tasks that ran or waited, averaged over 1 minute.", Source: "`/proc/loadavg`"},
	{Name: "load 5m", Unit: "None", Meaning: "The same over 5 minutes.", Source: "`/proc/loadavg`"},
	{Name: "load 15m", Unit: "None", Meaning: "The same over 15 minutes.", Source: "`/proc/loadavg`"},
	{
		Name: "swap usage", Unit: "Percent", Meaning: "How full the swap space is.", Source: "`/proc/meminfo`",
		Models: "with swap space",
	},
	{
		Name: "cpu pressure", Unit: "Percent", Meaning: "Share of the time in which some task waited for a CPU.",
		Source: "`/proc/pressure/cpu`", Models: pressureModels,
	},
	{
		Name: "memory pressure", Unit: "Percent", Meaning: "Share of the time in which some task waited for memory.",
		Source: "`/proc/pressure/memory`", Models: pressureModels,
	},
	{
		Name: "io pressure", Unit: "Percent", Meaning: "Share of the time in which some task waited for a disk.",
		Source: "`/proc/pressure/io`", Models: pressureModels,
	},
	{
		Name: "cpu clock", Unit: "None", Meaning: "The fastest CPU's clock just now, in MHz.",
		Source: "`/sys/devices/system/cpu/cpufreq`", Models: "all Raspberry Pis; most PCs; no virtual machine",
	},
	{
		Name: "fan duty FAN", Unit: "Percent", Meaning: "How hard the fan is driven. FAN is the chip and the fan's number.",
		Source: "`pwmN` in `/sys/class/hwmon`", Models: fanModels,
	},
	{
		Name: "fan speed FAN", Unit: "None",
		Meaning: "The fan's turns a minute. Absent where the fan is driven and its tachometer reads 0, as that of a " +
			"Raspberry Pi 5 does while the fan turns.",
		Source: "`fanN_input` in `/sys/class/hwmon`", Models: fanModels,
	},
}

const (
	pressureModels = "where the kernel has PSI; Raspberry Pi OS with `psi=1` in `cmdline.txt`"
	fanModels      = "Pi 5 with a fan on its connector; PCs"
)

var diskRows = []Row{
	{
		Name: "disk inodes PATH", Unit: "Percent", Meaning: "Share of the file system's inodes that are in use: at 100 no " +
			"file can be made, whatever space there is.",
		Source: "statfs(2); `/proc/self/mountinfo`", Models: "file systems with a fixed number of inodes, such as ext4",
	},
	{
		Name: "disk read DEVICE", Unit: "Bytes", Meaning: "Bytes read from the disk since the last reading.",
		Source: "`/proc/diskstats`",
	},
	{
		Name: "disk written DEVICE", Unit: "Bytes", Meaning: "Bytes written to the disk since the last reading.",
		Source: "`/proc/diskstats`",
	},
	{
		Name: "disk busy DEVICE", Unit: "Percent", Meaning: "Share of the time in which the disk had something to do.",
		Source: "`/proc/diskstats`",
	},
}

var networkRows = []Row{
	{
		Name: "network received IFACE", Unit: "Bytes", Meaning: "Bytes received since the last reading.",
		Source: "`/sys/class/net`",
	},
	{
		Name: "network sent IFACE", Unit: "Bytes", Meaning: "Bytes sent since the last reading.", Source: "`/sys/class/net`",
	},
	{
		Name: "network errors IFACE", Unit: "Count",
		Meaning: "Packets received or sent with an error since the last reading.", Source: "`/sys/class/net`",
	},
	{
		Name: "wifi signal IFACE", Unit: "None",
		Meaning: "How strongly the access point is heard, in dBm: -50 is good, -80 is bad.",
		Source:  "`/proc/net/wireless`", Models: "connected by Wi-Fi",
	},
}

var agentRows = []Row{
	{Name: "agent memory", Unit: "Megabytes", Meaning: "The agent's own memory.", Source: "`/proc/self/statm`"},
	{
		Name: "agent cpu", Unit: "Percent", Meaning: "The agent's own CPU time since the last reading, of one CPU.",
		Source: "getrusage(2)",
	},
	{
		Name: leftOut, Unit: "Count", Meaning: "Local values that were there and are not sent: beyond a bound, or with a " +
			"name that CloudWatch does not take.",
		Source: "the agent",
	},
}

var identityRows = []Attribute{
	{"model", "What machine it is.", "`/proc/device-tree/model`, else `/sys/class/dmi/id/product_name`", ""},
	{"serial", "The board's serial number.", "`/proc/device-tree/serial-number`", "Raspberry Pis; a PC's is root's only"},
	{"os", "Name and version of the operating system.", "`/etc/os-release`", ""},
	{"kernel", "The kernel's release.", "`/proc/sys/kernel/osrelease`", ""},
	{"agent", "The agent's version.", "the agent", ""},
}
