package collect

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"piway/agent/collect/host"
)

// memoryUsage returns total - available in megabytes of 10^6 bytes, which is what `free --mega` shows as used.
func memoryUsage(ctx context.Context) (float64, error) {
	text, _ := host.ReadHead(host.Proc(ctx, "meminfo")) // without it there are no figures
	total, available, err := parseMemory(text)
	if err != nil {
		return 0, fmt.Errorf("reading memory: %w", err)
	}
	return float64(total-available) / 1e6, nil
}

// parseMemory returns the bytes that there are and those that are available (proc_meminfo(5)). Without MemAvailable,
// before Linux 3.14, it reckons as free does; without MemFree nothing is to be had, and nothing is never free.
func parseMemory(text string) (total, available uint64, err error) {
	total, noTotal := memoryLine(text, "MemTotal")
	free, noFree := memoryLine(text, "MemFree")
	available, err = memoryLine(text, "MemAvailable")
	if errors.Is(err, host.ErrAbsent) {
		cached, _ := memoryLine(text, "Cached") // 0 where a kernel has no such line
		slab, _ := memoryLine(text, "SReclaimable")
		available, err = free+cached+slab, nil
	}
	if err == nil && (noTotal != nil || noFree != nil || total == 0 || free == 0 || free > total || available > total) {
		err = errors.New("no usable figures")
	}
	return total, available, err
}

// memoryLine returns the bytes of which a line of proc_meminfo(5) tells, ErrAbsent if there is no such line.
func memoryLine(text, name string) (uint64, error) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 54)
			return n << 10, err
		}
	}
	return 0, host.ErrAbsent
}
