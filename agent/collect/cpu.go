package collect

import (
	"context"
	"errors"
	"fmt"

	"github.com/shirou/gopsutil/v3/cpu"
)

// shortest is the least CPU time, in seconds over all CPUs, from which a percentage means something:
// the kernel counts in steps of 10 ms.
const shortest = 0.1

// cpuUsage remembers the counters of the last reading.
type cpuUsage struct {
	primed     bool
	busy, idle float64
}

// read returns the percentage of CPU time spent busy since the last reading. Waiting for a disk is not busy,
// time stolen by other guests is.
func (u *cpuUsage) read(ctx context.Context) (float64, error) {
	times, err := cpu.TimesWithContext(ctx, false)
	if err != nil {
		return 0, fmt.Errorf("reading cpu times: %w", err)
	}
	if len(times) == 0 { // the library's way of saying that it could not read them
		return 0, errors.New("reading cpu times: none found")
	}
	t := times[0]
	busy := t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal // guest time is in User already
	return u.since(busy, t.Idle+t.Iowait)
}

// stepBack is by how many seconds the kernel's counters of idle time may go back: that of waiting for a disk is not
// exact, and where no CPU is ever idle nothing makes up for it (proc_stat(5), iowait).
const stepBack = 1

// since takes new counters and compares them with the last ones.
func (u *cpuUsage) since(busy, idle float64) (float64, error) {
	deltaBusy, deltaIdle := busy-u.busy, idle-u.idle
	if deltaIdle < 0 && deltaIdle > -stepBack {
		deltaIdle = 0
	}
	total := deltaBusy + deltaIdle
	if u.primed && total >= 0 && total < shortest {
		return 0, ErrEarly // the older counters stay, so that the interval grows
	}
	primed := u.primed
	u.primed, u.busy, u.idle = true, busy, idle
	if !primed || deltaBusy < 0 || deltaIdle < 0 { // or a CPU was unplugged
		return 0, ErrEarly
	}
	return 100 * deltaBusy / total, nil
}
