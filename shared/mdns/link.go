package mdns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// A link is an interface in one family, and the socket for it.
type link struct {
	conn  *net.UDPConn
	group netip.AddrPort
	zone  string // the interface's name, for addresses of the link
	nets  []netip.Prefix
}

// links opens a socket on each interface and family. Bound to the interface's own address, Linux sends multicast there
// and needs no route to it.
func (a asker) links() ([]*link, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("listing the network interfaces: %w", err)
	}
	var links []*link
	var failed error
	for _, i := range interfaces {
		if i.Flags&a.flags != a.flags {
			continue
		}
		nets := prefixes(&i)
		for _, own := range []netip.Addr{ownAddress(nets, netip.Addr.Is4), ownAddress(nets, isLink6)} {
			if !own.IsValid() || len(links) == maxLinks {
				continue
			}
			l, err := a.open(own, i.Name, nets)
			if err != nil {
				failed = err // of an address that is not ready yet, or gone meanwhile
				continue
			}
			links = append(links, l)
		}
	}
	if links == nil {
		return nil, errors.Join(errors.New("no network interface to ask on (mDNS)"), failed)
	}
	return links, nil
}

func (a asker) open(own netip.Addr, name string, nets []netip.Prefix) (*link, error) {
	group := a.group4
	if own.Is6() {
		own = own.WithZone(name)
		group = netip.AddrPortFrom(a.group6.Addr().WithZone(name), a.group6.Port())
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(own, 0)))
	if err != nil {
		return nil, fmt.Errorf("on %s: %w", name, err)
	}
	return &link{conn, group, name, nets}, nil
}

func isLink6(a netip.Addr) bool { return a.Is6() && a.IsLinkLocalUnicast() }

func ownAddress(nets []netip.Prefix, is func(netip.Addr) bool) netip.Addr {
	for _, n := range nets {
		if is(n.Addr()) {
			return n.Addr()
		}
	}
	return netip.Addr{}
}

// prefixes are the interface's addresses, with their nets.
func prefixes(i *net.Interface) (nets []netip.Prefix) {
	addrs, err := i.Addrs()
	if err != nil {
		return nil // gone meanwhile
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			ip, _ := netip.AddrFromSlice(n.IP)
			ones, _ := n.Mask.Size()
			nets = append(nets, netip.PrefixFrom(ip.Unmap(), ones))
		}
	}
	return nets
}

// read hands on the addresses in the answers that come until ctx ends or the socket is closed.
func (l *link) read(ctx context.Context, q *question, found chan<- []netip.Addr) {
	packet := make([]byte, maxPacket)
	for range maxPackets {
		n, from, err := l.conn.ReadFromUDPAddrPort(packet)
		if err != nil {
			if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
				return
			}
			time.Sleep(time.Millisecond) // an ICMP message, which ends nothing
			continue
		}
		if from.Port() != l.group.Port() || !l.neighbour(from.Addr()) { // RFC 6762 6, 11
			continue
		}
		addrs := q.answers(packet[:n], l.zone)
		if len(addrs) == 0 {
			continue
		}
		select {
		case found <- addrs:
		case <-ctx.Done():
			return
		}
	}
}

// neighbour says whether an address is on the link.
func (l *link) neighbour(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if isLink6(a) {
		return true
	}
	for _, n := range l.nets {
		if n.Contains(a) {
			return true
		}
	}
	return false
}
