package collect

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"piway/agent/collect/host"
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
	text, _ := host.ReadHead(host.Proc(ctx, "stat")) // without it none is found
	times, ok := parseCPU(text)
	if !ok {
		return 0, errors.New("reading cpu times: none found")
	}
	return u.since(times)
}

// parseCPU reads the first line of proc_stat(5): user, nice, system, idle, iowait, irq, softirq and, since Linux 2.6.11,
// steal, in hundredths of a second. Guest time, which may follow, is in user already.
func parseCPU(text string) (t cpuTimes, ok bool) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 8 || fields[0] != "cpu" {
		return t, false
	}
	for i, field := range fields[1:min(len(fields), 9)] {
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return t, false
		}
		switch seconds := float64(n) / 100; i {
		case 3:
			t.idle = seconds
		case 4:
			t.waiting = seconds
		default:
			t.busy += seconds
		}
	}
	return t, true
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
