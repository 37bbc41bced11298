package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/shirou/gopsutil/v3/common"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
	"piway/agent/collect/systemd"
)

// units asks for systemd's units that have failed.
type units struct {
	manager systemd.Manager
	failed  func(ctx context.Context) ([]string, error)
}

func newUnits(failed func(context.Context) ([]string, error)) *units {
	u := &units{failed: failed}
	if failed == nil {
		u.failed = func(ctx context.Context) ([]string, error) { return u.manager.Failed(ctx, busSocket(ctx)) }
	}
	return u
}

// read tells how many units have failed, and which.
func (u *units) read(ctx context.Context, out *reading.Found) error {
	names, err := u.failed(ctx)
	if errors.Is(err, systemd.ErrNone) {
		return host.ErrAbsent
	}
	if err != nil {
		return err
	}
	out.Add("failed units", "Count", float64(len(names)))
	out.Say("failed units", listed(names))
	return nil
}

// busSocket returns the system bus's socket. A container says by HOST_RUN where the host's /run is, or by the address
// that other programs on the bus heed.
func busSocket(ctx context.Context) string {
	const name = "dbus/system_bus_socket"
	if dir := host.Folder(ctx, common.HostRunEnvKey, ""); dir != "" {
		return filepath.Join(dir, name)
	}
	return cmp.Or(addressPath(os.Getenv("DBUS_SYSTEM_BUS_ADDRESS")), "/run/"+name)
}

// addressPath returns the first path in a bus's address such as "unix:path=/run/dbus/system_bus_socket,guid=0123"
// (D-Bus Specification, "Server Addresses"), "" if there is none.
func addressPath(address string) string {
	for one := range strings.SplitSeq(address, ";") {
		if escaped, ok := strings.CutPrefix(one, "unix:path="); ok {
			escaped, _, _ = strings.Cut(escaped, ",")
			path, _ := url.PathUnescape(escaped) // "" if it is malformed
			return path
		}
	}
	return ""
}

// listed returns names in one line that fits into an attribute, "none" if there are none. Of those that do not fit it
// has the number.
func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	const room = reading.MaxAttribute - len(" and 123456 more")
	line, shown := "", 0
	for _, name := range names {
		next := strings.TrimPrefix(line+", "+name, ", ")
		if len(next) > room && len(names) > 1 {
			break
		}
		line, shown = next, shown+1
	}
	switch more := len(names) - shown; {
	case shown == 0:
		return fmt.Sprintf("%d", more)
	case more > 0:
		line += fmt.Sprintf(" and %d more", more)
	}
	return reading.Attribute(line)
}
