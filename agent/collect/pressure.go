package collect

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// resources are what tasks wait for.
var resources = []string{"cpu", "memory", "io"}

// pressure remembers for how long tasks have waited.
type pressure struct{ tally }

// read reads in how much of the time since the last reading at least one task waited for a resource: pressure stall
// information (PSI), "some". The kernel's own averages are not taken, because they are over times of their own.
func (p *pressure) read(ctx context.Context, out *found) error {
	now := map[string]count{}
	var fault error
	for _, resource := range resources {
		text, err := readText(procPath(ctx, "pressure/"+resource))
		if err == nil {
			var n uint64
			n, err = parsePressure(text)
			now[resource] = count{value: n}
		}
		if err != nil {
			delete(now, resource)
			fault = worse(fault, err)
		}
	}
	grown, elapsed := p.since(now)
	for _, resource := range resources {
		by, counted := grown[resource]
		if v, ok := share(time.Duration(by)*time.Microsecond, elapsed); counted && ok {
			out.add(resource+" pressure", "Percent", v)
		}
	}
	if fault == nil && len(grown) == 0 {
		return ErrEarly
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
	return 0, fmt.Errorf("reading pressure: %s has no total of some", clip(text))
}

// worse returns which of two reasons is to be told: a fault rather than an absence, and of two the first.
func worse(a, b error) error {
	if a == nil || errors.Is(a, ErrAbsent) && b != nil && !errors.Is(b, ErrAbsent) {
		return b
	}
	return a
}
