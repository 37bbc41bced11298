package collect

import (
	"context"
	"encoding/binary"
	"path/filepath"
	"strconv"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

// bootReason says why the machine started last, as far as its boot loader tells the kernel. That there was a start is
// seen in the uptime.
type bootReason struct{ said bool }

// read says it once: it changes with a restart only.
func (b *bootReason) read(ctx context.Context, out *reading.Found) error {
	if b.said {
		return nil
	}
	cut, status := treeNumber(ctx, "chosen/power/power_reset"), treeNumber(ctx, "chosen/bootloader/rsts")
	reason := describeBoot(cut, status, watchdogBoot(ctx))
	if reason == "" {
		return host.ErrAbsent
	}
	b.said = true
	out.Say("boot reason", reason)
	return nil
}

// describeBoot returns the reason in words, the most telling one, or "" if there is none.
//
// Cut is what a Raspberry Pi 5's power chip says, a bit each (documentation, "device tree"). Status is PM_RSTS of the
// boot loader of a Pi 4 or 5, whose even bits 0 to 10 are no reason but the partition to boot from. The kernel reboots
// by the watchdog, so that the two look alike.
func describeBoot(cut, status uint32, watchdog bool) string {
	const poweredOn, wasReset = 1 << 12, 1 << 5
	for bit, reason := range []string{"over-voltage", "under-voltage", "over-temperature", "power button", "watchdog"} {
		if cut>>bit&1 == 1 {
			return reason
		}
	}
	switch {
	case watchdog:
		return "watchdog"
	case status&poweredOn != 0:
		return "power on"
	case status&wasReset != 0:
		return "reboot or watchdog"
	}
	return ""
}

// cardReset is set in a watchdog's bootstatus if it has started the machine (WDIOF_CARDRESET of linux/watchdog.h). The
// driver of Raspberry Pis never sets it.
const cardReset = 0x20

func watchdogBoot(ctx context.Context) bool {
	text := host.Trimmed(filepath.Join(host.Sys(ctx, "class/watchdog"), "watchdog0/bootstatus"))
	bits, err := strconv.ParseUint(text, 0, 32)
	return err == nil && bits&cardReset != 0
}

// treeNumber returns a number of the device tree, 0 if it has none of that name. Docker hides the one in /sys.
func treeNumber(ctx context.Context, name string) uint32 {
	for _, path := range []string{host.Proc(ctx, "device-tree/"+name), host.Sys(ctx, "firmware/devicetree/base/"+name)} {
		if text, err := host.ReadText(path); err == nil && len(text) == 4 {
			return binary.BigEndian.Uint32([]byte(text))
		}
	}
	return 0
}
