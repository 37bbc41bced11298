package collect

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
)

// maxInterfaces is how many network interfaces are told of.
const maxInterfaces = 8

// network remembers the counters of interfaces.
type network struct{ tally }

// read reads what each network device has received, sent and got wrong since the last reading. It reads /sys, which
// shows the host's interfaces to a container that is given the host's.
func (n *network) read(ctx context.Context, out *found) error {
	dir := sysPath(ctx, "class/net")
	names, err := entries(dir, "")
	if err != nil {
		return err
	}
	up := slices.DeleteFunc(names, func(name string) bool {
		return !isDevice(filepath.Join(dir, name)) || !isUp(filepath.Join(dir, name))
	})
	if len(up) == 0 {
		n.last = nil
		return ErrAbsent
	}
	up = atMost(out, up, maxInterfaces, 3, "network interfaces")
	now := map[string]count{}
	var fault error
	for _, name := range up {
		fault = worse(fault, countInterface(filepath.Join(dir, name), name, now))
	}
	grown, _ := n.since(now)
	for _, name := range up {
		tellInterface(name, grown, out)
	}
	if fault == nil && len(grown) == 0 {
		return ErrEarly
	}
	return fault
}

// tellInterface adds what is known of an interface.
func tellInterface(name string, grown map[string]float64, out *found) {
	for _, m := range []struct{ what, unit string }{{"received", "Bytes"}, {"sent", "Bytes"}, {"errors", "Count"}} {
		if by, ok := grown[m.what+" "+name]; ok {
			out.add("network "+m.what+" "+name, m.unit, by)
		}
	}
}

// isDevice reports whether an entry of a class is a device: what only the kernel thought of (lo, bridges, one end of a
// container's line, tunnels) has none, and would count the same bytes twice.
func isDevice(dir string) bool { return exists(filepath.Join(dir, "device")) }

// isUp reports whether an interface can carry something. Some drivers never say; they are down when they say so.
func isUp(dir string) bool {
	state, err := readText(filepath.Join(dir, "operstate"))
	state = strings.TrimSpace(state)
	return err == nil && (state == "up" || state == "unknown")
}

// countInterface puts an interface's counters into now.
func countInterface(dir, name string, now map[string]count) error {
	index, err := readText(filepath.Join(dir, "ifindex")) // another one if the interface was replaced
	if err != nil {
		return goneIsFine(err)
	}
	var v [4]uint64
	for i, file := range []string{"rx_bytes", "tx_bytes", "rx_errors", "tx_errors"} {
		if v[i], err = readCount(filepath.Join(dir, "statistics", file)); err != nil {
			return goneIsFine(err)
		}
	}
	now["received "+name] = count{v[0], index}
	now["sent "+name] = count{v[1], index}
	now["errors "+name] = count{v[2] + v[3], index}
	return nil
}

// goneIsFine is nil for what went away while it was read.
func goneIsFine(err error) error {
	if errors.Is(err, ErrAbsent) {
		return nil
	}
	return err
}
