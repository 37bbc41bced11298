package collect

import (
	"context"
	"errors"
	"fmt"

	"github.com/shirou/gopsutil/v3/disk"
)

// diskUsage returns how full the file system at path is as df computes it: used of what a user who is not root can
// have.
func diskUsage(ctx context.Context, path string) (float64, error) {
	u, err := disk.UsageWithContext(ctx, path)
	if err != nil {
		return 0, fmt.Errorf("reading disk %s: %w", path, err)
	}
	if u.Used+u.Free == 0 { // such as /proc
		return 0, errors.New("reading disk " + path + ": has no size")
	}
	return 100 * float64(u.Used) / float64(u.Used+u.Free), nil
}
