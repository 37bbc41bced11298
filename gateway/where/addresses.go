package where

import (
	"net/netip"
	"slices"
	"strings"

	"piway/shared/address"
)

func (m machine) addresses(advertise []string, listenTLS string) []string {
	listen, err := address.Listen(listenTLS)
	if err != nil {
		return nil // the gateway does not listen there
	}
	var told []string
	for _, text := range advertise {
		if a, err := address.Parse(text, listen.Port); err == nil {
			told = append(told, a.String())
		}
	}
	if len(told) == 0 {
		for _, ip := range m.reachable(listen.Host) {
			told = append(told, address.Address{Host: ip.String(), Port: listen.Port}.String())
		}
	}
	return told[:min(len(told), MaxAddresses)]
}

// reachable returns this machine's addresses of those that it listens on, the likeliest first.
func (m machine) reachable(listen string) []netip.Addr {
	ip, err := netip.ParseAddr(listen)
	switch {
	case listen == "", listen == "::":
		return m.likeliest(func(netip.Addr) bool { return true })
	case listen == "0.0.0.0":
		return m.likeliest(netip.Addr.Is4)
	case err != nil, ofLink(ip):
		return nil // a name may mean something else elsewhere: the user advertises it
	}
	return []netip.Addr{ip.Unmap()}
}

// likeliest returns what others can dial of this machine's addresses.
func (m machine) likeliest(wanted func(netip.Addr) bool) []netip.Addr {
	var byRank [ranks][]netip.Addr
	for _, l := range m.links() {
		for _, ip := range l.addrs {
			if others(ip) && wanted(ip) {
				at := &byRank[kindOf(l.name)+rankOf(ip)]
				*at = append(*at, ip)
			}
		}
	}
	var found []netip.Addr
	for rank, addrs := range byRank {
		if rank >= ofContainers && len(found) > 0 {
			break
		}
		for _, ip := range addrs {
			if !slices.Contains(found, ip) {
				found = append(found, ip)
			}
		}
	}
	return found
}

// ofLink says whether an address is IPv6's of one link, which needs an interface to be dialled.
func ofLink(ip netip.Addr) bool { return ip.Is6() && ip.IsLinkLocalUnicast() }

// others says whether an address can be dialled by other machines.
func others(ip netip.Addr) bool {
	return !ip.IsLoopback() && !ip.IsUnspecified() && !ip.IsMulticast() && !ofLink(ip)
}

// An address's rank, by which the likeliest are told first, is its interface's kind and its own rank.
const (
	ownRanks     = 4
	ofTunnels    = ownRanks
	ofContainers = 2 * ownRanks
	ranks        = 3 * ownRanks
)

// kindOf tells interfaces apart by how programs name theirs.
func kindOf(name string) int {
	begins := func(with string) bool { return strings.HasPrefix(name, with) }
	switch {
	case slices.ContainsFunc(containers, begins):
		return ofContainers
	case slices.ContainsFunc(tunnels, begins):
		return ofTunnels
	}
	return 0
}

var (
	containers = []string{
		"docker", "br-", "veth", "virbr", "cni", "flannel", "cali", "lxc", "lxdbr", "podman", "vmnet", "vboxnet",
	}
	tunnels = []string{"tun", "tap", "wg", "tailscale", "zt", "ppp", "utun"}
)

func rankOf(ip netip.Addr) int {
	switch {
	case ip.IsLinkLocalUnicast():
		return 3 // 169.254.0.0/16: no DHCP answered
	case ip.Is4():
		return 0
	case ip.IsPrivate():
		return 1
	}
	return 2
}
