package collect

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

// loads reads the load averages.
func loads(ctx context.Context, out *reading.Found) error {
	text, err := host.ReadHead(host.Proc(ctx, "loadavg"))
	if err != nil {
		return err
	}
	averages, err := parseLoads(text)
	if err != nil {
		return err
	}
	for i, name := range []string{"load 1m", "load 5m", "load 15m"} {
		out.Add(name, "None", averages[i])
	}
	return nil
}

// parseLoads reads proc_loadavg(5): the averages over 1, 5 and 15 minutes come first.
func parseLoads(text string) (averages [3]float64, err error) {
	fields := strings.Fields(text)
	if len(fields) < len(averages) {
		return averages, fmt.Errorf("reading load: %s is not what the kernel writes", host.Clip(text))
	}
	for i := range averages {
		v, err := strconv.ParseFloat(fields[i], 64)
		if err != nil || v < 0 || math.IsInf(v, 0) || math.IsNaN(v) {
			return averages, fmt.Errorf("reading load: %s is no average", host.Clip(fields[i]))
		}
		averages[i] = v
	}
	return averages, nil
}
