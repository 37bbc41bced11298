package collect

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// own remembers how much CPU time the agent has taken.
type own struct{ tally }

// read reads what the agent itself takes. It asks the real /proc, wherever the machine's is.
func (o *own) read(_ context.Context, out *found) error {
	text, err := readText("/proc/self/statm")
	if err != nil {
		return err
	}
	pages, err := parseResident(text)
	if err != nil {
		return err
	}
	out.add("agent memory", "Megabytes", float64(pages)*float64(os.Getpagesize())/1e6)
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return err
	}
	spent := uint64(used.Utime.Nano() + used.Stime.Nano()) //nolint:gosec // a time that passed is not negative
	grown, elapsed := o.since(map[string]count{"cpu": {value: spent}})
	by, ok := grown["cpu"]
	if !ok {
		return ErrEarly
	}
	// No share of 100 %: it may use several CPUs at once.
	out.add("agent cpu", "Percent", 100*float64(time.Duration(by))/float64(elapsed))
	return nil
}

// parseResident returns the second number of proc_pid_statm(5): the pages in memory.
func parseResident(text string) (uint64, error) {
	fields := strings.Fields(text)
	if len(fields) < 2 {
		return 0, errors.New("reading own memory: " + clip(text) + " is not what the kernel writes")
	}
	return strconv.ParseUint(fields[1], 10, 64)
}
