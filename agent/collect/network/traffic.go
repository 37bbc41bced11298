package network

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

// maxInterfaces is how many network interfaces are told of.
const maxInterfaces = 8

// Traffic remembers the counters of interfaces.
type Traffic struct{ tally reading.Tally }

// Read reads what each network device has received, sent and got wrong since the last reading. It reads /sys, which
// shows the host's interfaces to a container that is given the host's.
func (n *Traffic) Read(ctx context.Context, out *reading.Found) error {
	dir := host.Sys(ctx, "class/net")
	names, err := host.Entries(dir, "")
	if err != nil {
		return err
	}
	up := slices.DeleteFunc(names, func(name string) bool {
		return !host.IsDevice(filepath.Join(dir, name)) || !isUp(filepath.Join(dir, name))
	})
	if len(up) == 0 {
		n.tally.Last = nil
		return host.ErrAbsent
	}
	up = reading.AtMost(out, up, maxInterfaces, 3, "network interfaces")
	now := map[string]reading.Count{}
	var fault error
	for _, name := range up {
		fault = reading.Worse(fault, countInterface(filepath.Join(dir, name), name, now))
	}
	grown, _ := n.tally.Since(now)
	for _, name := range up {
		tellInterface(name, grown, out)
	}
	if fault == nil && len(grown) == 0 {
		return reading.ErrEarly
	}
	return fault
}

// tellInterface adds what is known of an interface.
func tellInterface(name string, grown map[string]float64, out *reading.Found) {
	for _, m := range []struct{ what, unit string }{{"received", "Bytes"}, {"sent", "Bytes"}, {"errors", "Count"}} {
		if by, ok := grown[m.what+" "+name]; ok {
			out.Add("network "+m.what+" "+name, m.unit, by)
		}
	}
}

// isUp reports whether an interface can carry something. Some drivers never say; they are down when they say so.
func isUp(dir string) bool {
	state, err := host.ReadHead(filepath.Join(dir, "operstate"))
	state = strings.TrimSpace(state)
	return err == nil && (state == "up" || state == "unknown")
}

// countInterface puts an interface's counters into now.
func countInterface(dir, name string, now map[string]reading.Count) error {
	index, err := host.ReadHead(filepath.Join(dir, "ifindex")) // another one if the interface was replaced
	if err != nil {
		return goneIsFine(err)
	}
	var v [4]uint64
	for i, file := range []string{"rx_bytes", "tx_bytes", "rx_errors", "tx_errors"} {
		if v[i], err = host.ReadCount(filepath.Join(dir, "statistics", file)); err != nil {
			return goneIsFine(err)
		}
	}
	now["received "+name] = reading.Count{Value: v[0], Of: index}
	now["sent "+name] = reading.Count{Value: v[1], Of: index}
	now["errors "+name] = reading.Count{Value: v[2] + v[3], Of: index}
	return nil
}

// goneIsFine is nil for what went away while it was read.
func goneIsFine(err error) error {
	if errors.Is(err, host.ErrAbsent) {
		return nil
	}
	return err
}
