package network

import (
	"context"
	"strconv"
	"strings"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

// maxWifi is how many wireless interfaces are told of.
const maxWifi = 4

// WifiSignals reads how strongly each wireless interface hears its access point.
func WifiSignals(ctx context.Context, out *reading.Found) error {
	text, err := host.ReadText(host.Proc(ctx, "net/wireless"))
	if err != nil {
		return err
	}
	signals := reading.AtMost(out, parseWireless(text), maxWifi, 1, "wireless interfaces")
	if len(signals) == 0 {
		return host.ErrAbsent
	}
	for _, s := range signals {
		out.Add("wifi signal "+s.iface, "None", s.dBm)
	}
	return nil
}

// A signal is a wireless interface that is connected.
type signal struct {
	iface string
	dBm   float64
}

// parseWireless reads /proc/net/wireless. Its level is in dBm when it is negative: other drivers have a scale of their
// own. An interface that is not connected shows 0 or -256.
func parseWireless(text string) []signal {
	var all []signal
	for line := range strings.Lines(text) {
		iface, rest, ok := strings.Cut(line, ":")
		fields := strings.Fields(rest) // status, link, level, noise, …
		if !ok || len(fields) < 4 {
			continue
		}
		level, err := strconv.ParseInt(strings.TrimSuffix(fields[2], "."), 10, 16)
		if err == nil && level < 0 && level > -128 {
			all = append(all, signal{strings.TrimSpace(iface), float64(level)})
		}
	}
	return all
}
