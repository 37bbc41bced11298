package collect

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

// resources are what tasks wait for.
var resources = []string{"cpu", "memory", "io"}

// pressure remembers for how long tasks have waited.
type pressure struct{ reading.Tally }

// read reads in how much of the time since the last reading at least one task waited for a resource: pressure stall
// information (PSI), "some". The kernel's own averages are not taken, because they are over times of their own.
func (p *pressure) read(ctx context.Context, out *reading.Found) error {
	now := map[string]reading.Count{}
	var fault error
	for _, resource := range resources {
		text, err := host.ReadHead(host.Proc(ctx, "pressure/"+resource))
		if err == nil {
			var n uint64
			n, err = parsePressure(text)
			now[resource] = reading.Count{Value: n}
		}
		if err != nil {
			delete(now, resource)
			fault = reading.Worse(fault, err)
		}
	}
	grown, elapsed := p.Since(now)
	for _, resource := range resources {
		by, counted := grown[resource]
		if v, ok := reading.Share(time.Duration(by)*time.Microsecond, elapsed); counted && ok {
			out.Add(resource+" pressure", "Percent", v)
		}
	}
	if fault == nil && len(grown) == 0 {
		return reading.ErrEarly
	}
	return fault
}

// parsePressure returns the microseconds that a file of /proc/pressure gives as the total of "some".
func parsePressure(text string) (uint64, error) {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, "some ")
		_, total, has := strings.Cut(rest, "total=")
		if !ok || !has {
			continue
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(total), 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("reading pressure: %s has no total of some", host.Clip(text))
}
