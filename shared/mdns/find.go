package mdns

import (
	"context"
	"encoding/hex"
	"net/netip"
	"slices"

	"golang.org/x/net/dns/dnsmessage"
)

// Find asks the local network for gateways whose pin begins with one of pin8s. It returns up to 8 candidates, IPv4
// first and addresses of the link last, these with their zone, and takes up to 3 s, never longer than ctx. Anybody on
// the link can announce any pin: only the key of who answers there proves anything.
func Find(ctx context.Context, pin8s [][8]byte) ([]netip.AddrPort, error) {
	return standard.find(ctx, pin8s)
}

// Bounds of finding.
const (
	maxOfOne = 4  // candidates that are taken of one responder: one may not crowd out the others
	maxMore  = 16 // further questions on one link, about what an answer left out
	maxNames = 64 // of services or hosts that are remembered of one link
	maxEach  = 4  // servers of a service, or addresses of a host
)

func (a asker) find(ctx context.Context, pin8s [][8]byte) ([]netip.AddrPort, error) {
	id := newID()
	kind := dnsmessage.MustNewName(serviceKind)
	packet, err := questionPacket(id, kind, dnsmessage.TypePTR)
	if err != nil {
		return nil, err
	}
	all, err := asked(ctx, a, [][]byte{packet}, func(l *link) taker[netip.AddrPort] {
		return newBrowse(l, id, pin8s).take
	})
	return arranged(all, netip.AddrPort.Addr), err
}

// A browse is what one link answers.
type browse struct {
	l     *link
	id    uint16
	pins  []string // in hexadecimal digits
	heard heard
	more  map[string]bool                 // what was asked for further
	given map[netip.Addr][]netip.AddrPort // by whom
}

func newBrowse(l *link, id uint16, pin8s [][8]byte) *browse {
	b := &browse{
		l: l, id: id, heard: newHeard(), more: map[string]bool{}, given: map[netip.Addr][]netip.AddrPort{},
	}
	for _, p := range pin8s {
		b.pins = append(b.pins, hex.EncodeToString(p[:]))
	}
	return b
}

// take returns the new candidates that a packet from a neighbour gives, alone or with those before it, and asks for
// what is left out. A packet that says everything, as a gateway's does, needs no place in what is remembered.
func (b *browse) take(packet []byte, from netip.Addr) []netip.AddrPort {
	alone := newHeard()
	if !b.read(packet, &alone) {
		return nil
	}
	all := alone.candidates()
	if all == nil {
		b.heard.remember(alone)
		if all = b.heard.candidates(); all == nil {
			b.askFor(alone)
		}
	}
	var some []netip.AddrPort
	for _, c := range arranged(all, netip.AddrPort.Addr) {
		given := b.given[from]
		if len(given) < maxOfOne && !slices.Contains(given, c) {
			b.given[from] = append(given, c)
			some = append(some, c)
		}
	}
	return some
}

// askFor asks the link for what the packet's records only hint at.
func (b *browse) askFor(h heard) {
	for _, i := range h.instances {
		if fits, said := b.heard.fits[i]; !said {
			b.ask(i, dnsmessage.TypeTXT)
		} else if !fits {
			continue
		}
		if b.heard.servers[i] == nil {
			b.ask(i, dnsmessage.TypeSRV)
		}
	}
	for i, fits := range b.heard.fits {
		for _, s := range b.heard.servers[i] {
			if fits && b.heard.hosts[s.host] == nil {
				b.ask(s.host, dnsmessage.TypeA)
				b.ask(s.host, dnsmessage.TypeAAAA)
			}
		}
	}
}

// ask sends a question once, and few in all. One that is lost is not sent again.
func (b *browse) ask(name string, kind dnsmessage.Type) {
	key := name + kind.String()
	if b.more[key] || len(b.more) >= maxMore {
		return
	}
	b.more[key] = true
	n, err := dnsmessage.NewName(name)
	if err != nil {
		return
	}
	if packet, err := questionPacket(b.id, n, kind); err == nil && b.l.conn != nil {
		_, _ = b.l.conn.WriteToUDPAddrPort(packet, b.l.group)
	}
}
