package collect

import (
	"context"
	"errors"
	"fmt"

	"github.com/shirou/gopsutil/v3/mem"
)

// memoryUsage returns total - available in megabytes of 10^6 bytes, which is what `free --mega` shows as used.
func memoryUsage(ctx context.Context) (float64, error) {
	m, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading memory: %w", err)
	}
	// The library ignores a file that it cannot read, and takes 0 for a line that is missing. Without MemAvailable, before
	// Linux 3.14, it reckons as free does; without MemFree nothing is to be had, and nothing is never free.
	if m.Total == 0 || m.Free == 0 || m.Free > m.Total || m.Available > m.Total {
		return 0, errors.New("reading memory: no usable figures")
	}
	return float64(m.Total-m.Available) / 1e6, nil
}
