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
	primed      bool
	busy, total float64
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
	return u.since(busy, busy+t.Idle+t.Iowait)
}

// since takes new counters and compares them with the last ones.
func (u *cpuUsage) since(busy, total float64) (float64, error) {
	deltaBusy, deltaTotal := busy-u.busy, total-u.total
	if u.primed && deltaTotal >= 0 && deltaTotal < shortest {
		return 0, ErrEarly // the older counters stay, so that the interval grows
	}
	primed := u.primed
	u.primed, u.busy, u.total = true, busy, total
	switch {
	case !primed:
		return 0, ErrEarly
	case deltaBusy < 0 || deltaBusy > deltaTotal: // a CPU was unplugged, or the idle counter went back
		return 0, ErrEarly
	}
	return 100 * deltaBusy / deltaTotal, nil
}
