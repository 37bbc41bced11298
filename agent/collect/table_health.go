package collect

import "piway/agent/collect/power"

const (
	alarmFiles     = "`in0_lcrit_alarm` of `rpi_volt` in `/sys/class/hwmon`"
	throttledFiles = "`get_throttled` in `/sys/devices/platform/soc*/soc*:firmware`"
	piOnly         = "Raspberry Pis with the makers' kernel"
)

// powerRows are the amounts of each condition that the firmware tells of.
func powerRows() (rows []Row) {
	for c, of := range [power.Conditions]struct{ condition, source string }{
		power.UnderVoltage:         {"the supply's voltage was too low", alarmFiles + ", else " + throttledFiles},
		power.FrequencyCapped:      {"the CPU's clock was capped, for heat or low voltage", throttledFiles},
		power.Throttling:           {"the CPU was slowed down, for heat or low voltage", throttledFiles},
		power.SoftTemperatureLimit: {"the CPU was warm enough (60 °C) for its highest clock to be lowered", throttledFiles},
	} {
		rows = append(
			rows,
			Row{
				Name: power.Names[c] + " seconds", Unit: "Seconds", Source: of.source, Models: piOnly,
				Meaning: "For how long since the last reading " + of.condition + ".",
			},
			Row{
				Name: power.Names[c] + " episodes", Unit: "Count", Source: of.source, Models: piOnly,
				Meaning: "How often that began since the last reading. Two times within 2 s may be one: the kernel asks no " +
					"oftener.",
			},
			Row{
				Name: power.Names[c] + " longest", Unit: "Seconds", Source: of.source, Models: piOnly,
				Meaning: "The longest time of those since the last reading, also if it began before that.",
			},
		)
	}
	return rows
}

const (
	ext4Only = "mounted ext4 file systems"
	emmcOnly = "eMMCs, as on a Compute Module"
)

var storageRows = []Row{
	{
		Name: "storage errors", Unit: "Count",
		Meaning: "Errors that the file systems have on record since they were last checked. It should be 0.",
		Source:  "`errors_count` in `/sys/fs/ext4`", Models: ext4Only,
	},
	{
		Name: "storage error age", Unit: "Seconds",
		Meaning: "How long ago the last of these errors was. Absent if there was none, or the clock is not right.",
		Source:  "`last_error_time` in `/sys/fs/ext4`", Models: ext4Only,
	},
	{
		Name: "storage written", Unit: "Megabytes",
		Meaning: "What was written to the file systems since the last reading, in 10^6 bytes; the sum over a day is what a " +
			"card wears by.",
		Source: "`lifetime_write_kbytes` in `/sys/fs/ext4`", Models: ext4Only,
	},
	{
		Name: "root read-only", Unit: "None",
		Meaning: "1 if the root file system takes no writes, as after an error; 0 if it does. An overlay takes them.",
		Source:  "`/proc/1/mountinfo`, else `/proc/self/mountinfo`, the file system's options", Models: "all but those that start from an image",
	},
	{
		Name: "emmc wear", Unit: "Percent",
		Meaning: "How much of its life the eMMC has used, in steps of 10; 110 is more than all.",
		Source:  "`life_time` in `/sys/block/mmcblk*/device`", Models: emmcOnly,
	},
	{
		Name: "emmc warning", Unit: "None", Meaning: "1 is normal; 2: the eMMC has used 80 % of its spare blocks; 3: urgent.",
		Source: "`pre_eol_info` in `/sys/block/mmcblk*/device`", Models: emmcOnly,
	},
}

var serviceRows = []Row{
	{
		Name: "failed units", Unit: "Count", Meaning: "systemd's units that have failed, as `systemctl --failed` shows them.",
		Source: "systemd, by the system bus", Models: "with systemd",
	},
	{
		Name: "watchdog armed", Unit: "None",
		Meaning: "1 if a hardware watchdog would start the machine again if it hung, 0 if not.",
		Source:  "`state` in `/sys/class/watchdog`", Models: "with a watchdog that the kernel tells of",
	},
}

var healthAttributes = []Attribute{
	{
		"card", "The SD card's or eMMC's name, manufacturer, date and serial number.",
		"`/sys/block/mmcblk*/device`", "with a card or eMMC",
	},
	{
		"failed units", "The names of systemd's units that have failed, as far as they fit, or none.", "systemd",
		"with systemd",
	},
	{
		"boot reason",
		"Why the machine started last: power on; reboot or watchdog, which a Raspberry Pi does not tell apart; watchdog; " +
			"on a Pi 5 also under-voltage, over-voltage, over-temperature and power button.",
		"`/proc/device-tree/chosen/bootloader/rsts` and `chosen/power/power_reset`; `bootstatus` in `/sys/class/watchdog`",
		"Raspberry Pi 4 and 5; a PC after its watchdog",
	},
}
