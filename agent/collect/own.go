package collect

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

// own remembers how much CPU time the agent has taken.
type own struct{ reading.Tally }

// read reads what the agent itself takes. It asks the real /proc, wherever the machine's is.
func (o *own) read(_ context.Context, out *reading.Found) error {
	text, err := host.ReadHead("/proc/self/statm")
	if err != nil {
		return err
	}
	pages, err := parseResident(text)
	if err != nil {
		return err
	}
	out.Add("agent memory", "Megabytes", float64(pages)*float64(os.Getpagesize())/1e6)
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return err
	}
	spent := uint64(used.Utime.Nano() + used.Stime.Nano()) //nolint:gosec // a time that passed is not negative
	grown, elapsed := o.Since(map[string]reading.Count{"cpu": {Value: spent}})
	by, ok := grown["cpu"]
	if !ok {
		return reading.ErrEarly
	}
	// No share of 100 %: it may use several CPUs at once.
	out.Add("agent cpu", "Percent", 100*float64(time.Duration(by))/float64(elapsed))
	return nil
}

// parseResident returns the second number of proc_pid_statm(5): the pages in memory.
func parseResident(text string) (uint64, error) {
	fields := strings.Fields(text)
	if len(fields) < 2 {
		return 0, errors.New("reading own memory: " + host.Clip(text) + " is not what the kernel writes")
	}
	return strconv.ParseUint(fields[1], 10, 64)
}
