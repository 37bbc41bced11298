package collect

import (
	"context"
	"path/filepath"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
	"piway/shared/clock"
)

// upTime reads for how long the machine has run.
func upTime(ctx context.Context, out *reading.Found) error {
	text, err := host.ReadHead(host.Proc(ctx, "uptime"))
	if err != nil {
		return err
	}
	seconds := uptime(text)
	if seconds == 0 {
		return host.ErrAbsent
	}
	out.Add("uptime", "Seconds", seconds)
	return nil
}

// clockSynced reads whether a time service keeps the wall clock right.
func clockSynced(_ context.Context, out *reading.Found) error {
	synced := 0.0
	switch clock.Read() {
	case clock.Synced:
		synced = 1
	case clock.Unsynced:
	default:
		return host.ErrAbsent
	}
	out.Add("clock synchronised", "None", synced)
	return nil
}

// maxPolicies is how many of the groups of CPUs that share a clock are asked.
const maxPolicies = 16

// cpuClock reads at how many MHz the fastest CPU runs just now.
func cpuClock(ctx context.Context, out *reading.Found) error {
	dir := host.Sys(ctx, "devices/system/cpu/cpufreq")
	policies, err := host.Entries(dir, "policy")
	if err != nil {
		return err
	}
	fastest, fault := uint64(0), error(host.ErrAbsent)
	for _, p := range policies[:min(len(policies), maxPolicies)] {
		kHz, err := host.ReadCount(filepath.Join(dir, p, "scaling_cur_freq"))
		if err != nil {
			fault = reading.Worse(fault, err)
		}
		fastest = max(fastest, kHz)
	}
	if fastest == 0 {
		return fault
	}
	out.Add("cpu clock", "None", float64(fastest)/1000)
	return nil
}
