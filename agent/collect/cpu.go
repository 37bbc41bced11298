package collect

import (
	"context"
	"errors"
	"fmt"

	"github.com/shirou/gopsutil/v3/cpu"

	"piway/agent/collect/reading"
)

// shortest is the least CPU time, in seconds over all CPUs, from which a percentage means something:
// the kernel counts in steps of 10 ms.
const shortest = 0.1

// cpuUsage remembers the counters of the last reading.
type cpuUsage struct {
	primed bool
	last   cpuTimes
}

// cpuTimes are seconds over all CPUs since the start of the machine. While it sleeps none of them grows.
type cpuTimes struct {
	busy, idle float64
	waiting    float64 // idle too, for a disk
}

// read returns the percentage of CPU time spent busy since the last reading. Waiting for a disk is not busy,
// time stolen by other guests is.
func (u *cpuUsage) read(ctx context.Context) (float64, error) {
	times, err := cpu.TimesWithContext(ctx, false)
	if err != nil {
		return 0, fmt.Errorf("reading cpu times: %w", err)
	}
	if len(times) == 0 || times[0].CPU != "cpu-total" { // the library's ways of saying that it could not read them
		return 0, errors.New("reading cpu times: none found")
	}
	t := times[0]
	busy := t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal // guest time is in User already
	return u.since(cpuTimes{busy: busy, idle: t.Idle, waiting: t.Iowait})
}

// since takes new counters and compares them with the last ones. The one of waiting may go back, since the kernel does
// not know on which CPU a task waits (proc_stat(5), iowait): then nobody waited. If another goes back, a CPU was
// unplugged.
func (u *cpuUsage) since(now cpuTimes) (float64, error) {
	busy, idle := now.busy-u.last.busy, now.idle-u.last.idle
	total := busy + idle + max(now.waiting-u.last.waiting, 0)
	if u.primed && busy >= 0 && idle >= 0 && total < shortest {
		return 0, reading.ErrEarly // the older counters stay, so that the interval grows
	}
	primed := u.primed
	u.primed, u.last = true, now
	if !primed || busy < 0 || idle < 0 {
		return 0, reading.ErrEarly
	}
	return 100 * busy / total, nil
}
