//go:build !linux

package mdns

import (
	"net"
	"net/netip"
)

// joined opens a socket that hears what is sent to the group. Programs on this machine do not hear what it sends to the
// group; who asks from a port of its own is answered there too.
func joined(p place, group netip.AddrPort) (*net.UDPConn, error) {
	network := "udp4"
	if group.Addr().Is6() {
		network = "udp6"
	}
	return net.ListenMulticastUDP(network, &net.Interface{Index: p.index, Name: p.name}, net.UDPAddrFromAddrPort(group))
}
