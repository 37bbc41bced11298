package mdns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Bounds of a message.
const (
	maxPacket  = 9000 // RFC 6762 17
	maxRecords = 64   // that are read of one
)

// A question is for the addresses of one name.
type question struct {
	name    string // in lower case, with the dot at its end
	id      uint16
	packets [][]byte // for IPv4 and for IPv6: simple responders read one question
}

func newQuestion(name string, id uint16) (*question, error) {
	q := &question{name: lower(strings.TrimSuffix(name, ".") + "."), id: id}
	asked, err := dnsmessage.NewName(q.name)
	if err != nil {
		return nil, fmt.Errorf("asking for %q: %w", name, err)
	}
	for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
		packet, err := questionPacket(id, asked, kind)
		if err != nil {
			return nil, fmt.Errorf("asking for %q: %w", name, err)
		}
		q.packets = append(q.packets, packet)
	}
	return q, nil
}

func questionPacket(id uint16, name dnsmessage.Name, kind dnsmessage.Type) ([]byte, error) {
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id},
		Questions: []dnsmessage.Question{{Name: name, Type: kind, Class: dnsmessage.ClassINET}},
	}
	return m.Pack()
}

// answers returns the addresses that a packet from the network gives to the name; those of the link get the zone.
func (q *question) answers(packet []byte, zone string) (addrs []netip.Addr) {
	var p dnsmessage.Parser
	header, err := p.Start(packet)
	if err != nil || !header.Response || header.ID != q.id || header.RCode != dnsmessage.RCodeSuccess {
		return nil
	}
	if p.SkipAllQuestions() != nil {
		return nil
	}
	for range maxRecords {
		h, err := p.AnswerHeader()
		if err != nil {
			break // the end, or a cut
		}
		a, err := q.address(&p, h)
		if err != nil {
			break
		}
		if isLink6(a) {
			a = a.WithZone(zone)
		}
		addrs = append(addrs, a)
	}
	return slices.DeleteFunc(addrs, func(a netip.Addr) bool { return !useful(a) })
}

// address reads a record, and returns its address if it is one of the name's.
func (q *question) address(p *dnsmessage.Parser, h dnsmessage.ResourceHeader) (netip.Addr, error) {
	ours := lower(h.Name.String()) == q.name && h.Class&^flush == dnsmessage.ClassINET
	switch {
	case ours && h.Type == dnsmessage.TypeA:
		r, err := p.AResource()
		return netip.AddrFrom4(r.A), err
	case ours && h.Type == dnsmessage.TypeAAAA:
		r, err := p.AAAAResource()
		return netip.AddrFrom16(r.AAAA), err
	}
	return netip.Addr{}, p.SkipAnswer()
}

// useful says whether a neighbour can have the address.
func useful(a netip.Addr) bool {
	return a.IsValid() && !a.Is4In6() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() &&
		a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// lower makes ASCII letters small, and no others (RFC 6762 16).
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
