package power

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"piway/agent/collect/host"
)

// The conditions that a Raspberry Pi's firmware tells of, by their bits (documentation of vcgencmd get_throttled).
// So many bits higher each has another, which is set if the condition held at any time since the kernel last cleared
// it.
const (
	UnderVoltage = iota
	FrequencyCapped
	Throttling
	SoftTemperatureLimit
	Conditions // how many there are

	sticky = 16
)

// pollPeriod is how often the kernel asks the firmware, and clears the sticky bits (drivers/hwmon/raspberrypi-hwmon.c).
const pollPeriod = 2 * time.Second

// parseThrottled reads get_throttled: hexadecimal, which the kernel writes without a prefix.
func parseThrottled(text string) (uint32, error) {
	digits := strings.TrimPrefix(strings.TrimSpace(text), "0x")
	bits, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		return 0, errors.New("get_throttled is " + host.Clip(text) + ", not a number in hexadecimal")
	}
	return uint32(bits), nil
}

// parseAlarm reads an alarm of hwmon, 0 or 1.
func parseAlarm(text string) (bool, error) {
	switch strings.TrimSpace(text) {
	case "0":
		return false, nil
	case "1":
		return true, nil
	}
	return false, errors.New("in0_lcrit_alarm is " + host.Clip(text) + ", neither 0 nor 1")
}

// unknown are the bits before the first reading: whatever is set in it may have been so for long.
const unknown = 1<<32 - 1

// judge tells of one condition whether it holds, by the firmware's bits and those read before, and for how long at most
// if that is all that is known; 0 is no bound. While a condition lasts its own bit says so. One that is shorter than
// the kernel's period may show in the sticky bit alone, so that one counts when it appears. One that stays says nothing
// new: it outlives the condition by up to a period, and older kernels never clear it.
func judge(condition int, before, bits uint32) (holds bool, most time.Duration) {
	now, seen := uint32(1)<<condition, uint32(1)<<(condition+sticky)
	if bits&now != 0 {
		return true, 0
	}
	return bits&seen != 0 && before&(now|seen) == 0, pollPeriod
}
