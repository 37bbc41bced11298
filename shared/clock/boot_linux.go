package clock

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// SinceBoot is how long ago this machine started, the time that it slept included (CLOCK_BOOTTIME, clock_gettime(2)).
// Nobody can set it. It is 0 where the system does not say.
func SinceBoot() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// BootID names this run of the machine's kernel (random(4)), "" where the system does not say.
func BootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
