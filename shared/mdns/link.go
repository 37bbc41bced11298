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

// A place is an interface in one family, with this machine's addresses there.
type place struct {
	index int
	name  string
	own   netip.Addr // the first of the family
	nets  []netip.Prefix
}

// places are where there is somebody to talk to.
func places(flags net.Flags) ([]place, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("listing the network interfaces: %w", err)
	}
	var all []place
	for _, i := range interfaces {
		if i.Flags&flags != flags {
			continue
		}
		nets := prefixes(&i)
		for _, own := range []netip.Addr{ownAddress(nets, netip.Addr.Is4), ownAddress(nets, isLink6)} {
			if own.IsValid() && len(all) < maxLinks {
				all = append(all, place{i.Index, i.Name, own, nets})
			}
		}
	}
	return all, nil
}

// links opens a socket on each interface and family. Bound to the interface's own address, Linux sends multicast there
// and needs no route to it.
func (a asker) links() ([]*link, error) {
	all, err := places(a.flags)
	if err != nil {
		return nil, err
	}
	var links []*link
	var failed error
	for _, p := range all {
		l, err := a.open(p.own, p.name, append(p.nets, a.nets...))
		if err != nil {
			failed = err // of an address that is not ready yet, or gone meanwhile
			continue
		}
		links = append(links, l)
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

// read hands on what is taken of the answers that come until ctx ends or the socket is closed.
func read[T any](ctx context.Context, l *link, take taker[T], found chan<- []T) {
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
		some := take(packet[:n], from.Addr())
		if len(some) == 0 {
			continue
		}
		select {
		case found <- some:
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
