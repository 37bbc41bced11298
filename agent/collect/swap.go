package collect

import (
	"context"
	"errors"

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

// parseSwap returns the bytes of SwapTotal and SwapFree, false unless both are there.
func parseSwap(text string) (total, free uint64, ok bool) {
	total, noTotal := memoryLine(text, "SwapTotal")
	free, noFree := memoryLine(text, "SwapFree")
	return total, free, noTotal == nil && noFree == nil
}
