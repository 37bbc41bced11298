package mdns

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// joined opens a socket that hears what is sent to the group on one interface, and nothing else. Bound to the group, it
// takes no packet away from avahi-daemon or another that has the port: those to an address of this machine stay theirs.
// (Package net binds to every address instead.)
func joined(p place, group netip.AddrPort) (*net.UDPConn, error) {
	family := unix.AF_INET
	if group.Addr().Is6() {
		family = unix.AF_INET6
	}
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("opening a socket for %s: %w", group, err)
	}
	file := os.NewFile(uintptr(fd), "mdns")
	defer file.Close() //nolint:errcheck // the connection has a copy
	if err := join(fd, p.index, group); err != nil {
		return nil, fmt.Errorf("listening at %s: %w", group, err)
	}
	conn, err := net.FilePacketConn(file)
	if err != nil {
		return nil, fmt.Errorf("listening at %s: %w", group, err)
	}
	return conn.(*net.UDPConn), nil //nolint:forcetypeassert // of a UDP socket
}

type option struct{ level, name, value int }

func join(fd, index int, group netip.AddrPort) error {
	const hops = 255 // RFC 6762 11
	options := []option{{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}, {unix.SOL_SOCKET, unix.SO_REUSEPORT, 1}}
	if group.Addr().Is6() {
		options = append(options,
			option{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1},
			option{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, hops}, option{unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, hops},
			option{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, index})
	} else {
		options = append(options,
			option{unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0}, // of other interfaces
			option{unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, hops}, option{unix.IPPROTO_IP, unix.IP_TTL, hops})
	}
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if group.Addr().Is6() {
		zone := uint32(index) //nolint:gosec // the kernel's numbers of interfaces are positive and of 31 bits
		to := &unix.SockaddrInet6{Port: int(group.Port()), ZoneId: zone, Addr: group.Addr().As16()}
		if err := unix.Bind(fd, to); err != nil {
			return os.NewSyscallError("bind", err)
		}
		m := &unix.IPv6Mreq{Multiaddr: group.Addr().As16(), Interface: zone}
		return os.NewSyscallError("setsockopt", unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, m))
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(group.Port()), Addr: group.Addr().As4()}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	m := &unix.IPMreqn{Multiaddr: group.Addr().As4(), Ifindex: int32(index)} //nolint:gosec // see above
	if err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, m); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	return os.NewSyscallError("setsockopt", unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, m))
}
