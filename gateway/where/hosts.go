package where

import (
	"net/netip"
	"slices"
	"strings"

	"piway/shared/address"
)

// maxHosts bounds the names and addresses of a certificate: 64 are some 1.5 KiB of each handshake.
const maxHosts = 64

func (m machine) hosts(advertise []string) []string {
	all := hosts{}
	for _, text := range advertise {
		all.addName(text)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		all.add(host)
	}
	if name, err := m.name(); err == nil {
		name = strings.TrimSuffix(name, ".")
		short, _, _ := strings.Cut(name, ".")
		all.addName(name)
		all.addName(short)
		if short != "localhost" {
			all.addName(short + ".local")
		}
	}
	for _, ip := range m.checked() {
		all.add(ip.String())
	}
	return all
}

// checked returns the addresses that a client may find in a certificate, in order.
func (m machine) checked() (all []netip.Addr) {
	for _, l := range m.links() {
		for _, ip := range l.addrs {
			if !ip.IsUnspecified() && !ip.IsMulticast() && !ofLink(ip) {
				all = append(all, ip)
			}
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return all
}

// hosts is a list without repetition.
type hosts []string

func (h *hosts) add(host string) {
	if !slices.Contains(*h, host) && len(*h) < maxHosts {
		*h = append(*h, host)
	}
}

// addName adds the host of HOST or HOST:PORT as a certificate holds it, if one can.
func (h *hosts) addName(text string) {
	a, err := address.Parse(text, "1") // a port is of no interest here
	if err == nil && !strings.Contains(a.Host, "%") {
		h.add(strings.ToLower(strings.TrimSuffix(a.Host, ".")))
	}
}
