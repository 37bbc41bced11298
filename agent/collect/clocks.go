package collect

import (
	"context"
	"path/filepath"
	"strings"

	"piway/shared/clock"
)

// upTime reads for how long the machine has run.
func upTime(ctx context.Context, out *found) error {
	text, err := readText(procPath(ctx, "uptime"))
	if err != nil {
		return err
	}
	seconds := uptime(text)
	if seconds == 0 {
		return ErrAbsent
	}
	out.add("uptime", "Seconds", seconds)
	return nil
}

// clockSynced reads whether a time service keeps the wall clock right.
func clockSynced(_ context.Context, out *found) error {
	synced := 0.0
	switch clock.Read() {
	case clock.Synced:
		synced = 1
	case clock.Unsynced:
	default:
		return ErrAbsent
	}
	out.add("clock synchronised", "None", synced)
	return nil
}

// maxPolicies is how many of the groups of CPUs that share a clock are asked.
const maxPolicies = 16

// cpuClock reads at how many MHz the fastest CPU runs just now.
func cpuClock(ctx context.Context, out *found) error {
	dir := sysPath(ctx, "devices/system/cpu/cpufreq")
	policies, err := entries(dir, "policy")
	if err != nil {
		return err
	}
	fastest, fault := uint64(0), error(ErrAbsent)
	for _, p := range policies[:min(len(policies), maxPolicies)] {
		kHz, err := readCount(filepath.Join(dir, p, "scaling_cur_freq"))
		if err != nil {
			fault = worse(fault, err)
		}
		fastest = max(fastest, kHz)
	}
	if fastest == 0 {
		return fault
	}
	out.add("cpu clock", "None", float64(fastest)/1000)
	return nil
}

// trimmed is a file's text without what surrounds it.
func trimmed(path string) string {
	text, err := readText(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(text)
}
