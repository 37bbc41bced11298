package collect

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

// watchdogArmed tells whether one of the hardware watchdogs would start the machine again if it hung.
func watchdogArmed(ctx context.Context, out *reading.Found) error {
	dir := host.Sys(ctx, "class/watchdog")
	names, err := host.Entries(dir, "watchdog")
	if err != nil {
		return err
	}
	told, armed := false, 0.0
	for _, name := range names {
		text, err := host.ReadText(filepath.Join(dir, name, "state"))
		if errors.Is(err, host.ErrAbsent) { // kernels may be built without it
			continue
		}
		if err != nil {
			return err
		}
		active, err := parseWatchdog(text)
		if err != nil {
			return err
		}
		if told = true; active {
			armed = 1
		}
	}
	if !told {
		return host.ErrAbsent
	}
	out.Add("watchdog armed", "None", armed)
	return nil
}

// parseWatchdog reads the state of a watchdog (Documentation/ABI/testing/sysfs-class-watchdog).
func parseWatchdog(text string) (active bool, err error) {
	switch strings.TrimSpace(text) {
	case "active":
		return true, nil
	case "inactive":
		return false, nil
	}
	return false, errors.New("the watchdog's state is " + host.Clip(text) + ", neither active nor inactive")
}
