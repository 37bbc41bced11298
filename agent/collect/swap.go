package collect

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

// swapUsage reads how full the swap space is, all of its files and devices together. A machine without is absent.
func swapUsage(ctx context.Context, out *reading.Found) error {
	text, err := host.ReadHead(host.Proc(ctx, "meminfo"))
	if err != nil {
		return err
	}
	total, free, ok := parseSwap(text)
	switch {
	case !ok || free > total:
		return errors.New("reading swap: no usable figures")
	case total == 0:
		return host.ErrAbsent
	}
	out.Add("swap usage", "Percent", 100*float64(total-free)/float64(total))
	return nil
}

// parseSwap returns the kB of SwapTotal and SwapFree (proc_meminfo(5)), false unless both are there.
func parseSwap(text string) (total, free uint64, ok bool) {
	var hasTotal, hasFree bool
	for line := range strings.Lines(text) {
		key, rest, _ := strings.Cut(line, ":")
		n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		switch {
		case err != nil:
		case key == "SwapTotal":
			total, hasTotal = n, true
		case key == "SwapFree":
			free, hasFree = n, true
		}
	}
	return total, free, hasTotal && hasFree
}
