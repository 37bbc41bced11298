package mdns

import (
	"context"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Find asks the local network for gateways whose pin begins with one of pin8s. It returns up to 8 candidates, IPv4 first
// and addresses of the link last, these with their zone, and takes up to 3 s, never longer than ctx. Anybody on the link
// can announce any pin: only the key of who answers there proves anything.
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

// take returns the new candidates that a packet from a neighbour gives, alone or with those before it, and asks for what
// is left out. A packet that says everything, as a gateway's does, needs no place in what is remembered.
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

// askFor asks the link for what the packet's records only hint at. Answers of a lost question are not waited for.
func (b *browse) askFor(h heard) {
	ask := func(name string, kind dnsmessage.Type) {
		n, err := dnsmessage.NewName(name)
		if key := name + kind.String(); err == nil && !b.more[key] && len(b.more) < maxMore && b.l.conn != nil {
			b.more[key] = true
			if packet, err := questionPacket(b.id, n, kind); err == nil {
				_, _ = b.l.conn.WriteToUDPAddrPort(packet, b.l.group)
			}
		}
	}
	for _, i := range h.instances {
		if fits, said := b.heard.fits[i]; !said {
			ask(i, dnsmessage.TypeTXT)
		} else if !fits {
			continue
		}
		if b.heard.servers[i] == nil {
			ask(i, dnsmessage.TypeSRV)
		}
	}
	for i, fits := range b.heard.fits {
		for _, s := range b.heard.servers[i] {
			if fits && b.heard.hosts[s.host] == nil {
				ask(s.host, dnsmessage.TypeA)
				ask(s.host, dnsmessage.TypeAAAA)
			}
		}
	}
}

// A server is where an instance of the service is.
type server struct {
	host string
	port uint16
}

// heard is what records say. Names are in lower case.
type heard struct {
	instances []string
	fits      map[string]bool // whether an instance has one of the pins
	servers   map[string][]server
	hosts     map[string][]netip.Addr
}

func newHeard() heard {
	return heard{fits: map[string]bool{}, servers: map[string][]server{}, hosts: map[string][]netip.Addr{}}
}

// candidates are the addresses of the instances that fit.
func (h heard) candidates() (all []netip.AddrPort) {
	for i, fits := range h.fits {
		if !fits {
			continue
		}
		for _, s := range h.servers[i] {
			for _, a := range h.hosts[s.host] {
				all = append(all, netip.AddrPortFrom(a, s.port))
			}
		}
	}
	return all
}

// remember adds what fits, until there are too many names.
func (h *heard) remember(n heard) {
	for i, fits := range n.fits {
		if _, known := h.fits[i]; known || len(h.fits) < maxNames {
			h.fits[i] = fits
		}
	}
	for i, all := range n.servers {
		for _, s := range all {
			add(h.servers, i, s)
		}
	}
	for name, all := range n.hosts {
		for _, a := range all {
			add(h.hosts, name, a)
		}
	}
}

// add adds a value to a name's, once and within the bounds.
func add[T comparable](all map[string][]T, name string, value T) {
	of, known := all[name]
	if (known || len(all) < maxNames) && len(of) < maxEach && !slices.Contains(of, value) {
		all[name] = append(of, value)
	}
}

// read adds to h what a packet from the network says. It returns false if the packet is no answer to our question.
func (b *browse) read(packet []byte, h *heard) bool {
	var p dnsmessage.Parser
	header, err := p.Start(packet)
	if err != nil || !header.Response || header.ID != b.id || header.RCode != dnsmessage.RCodeSuccess ||
		p.SkipAllQuestions() != nil {
		return false
	}
	left := b.section(h, maxRecords, p.AnswerHeader, p.SkipAnswer, &p)
	if p.SkipAllAnswers() == nil && p.SkipAllAuthorities() == nil {
		b.section(h, left, p.AdditionalHeader, p.SkipAdditional, &p)
	}
	return true
}

// section reads up to most records, and returns how many it left of these. A record that cannot be read, as a foreign
// name with a dot in it, is skipped.
func (b *browse) section(
	h *heard, most int, next func() (dnsmessage.ResourceHeader, error), skip func() error, p *dnsmessage.Parser,
) int {
	for ; most > 0; most-- {
		header, err := next()
		if err != nil || !b.record(p, header, h) {
			if skip() != nil {
				return most // the end, or a cut
			}
		}
	}
	return 0
}

// record adds a record to h. It returns false if it is not read.
func (b *browse) record(p *dnsmessage.Parser, header dnsmessage.ResourceHeader, h *heard) bool {
	if header.Class&^flush != dnsmessage.ClassINET || header.TTL == 0 { // a goodbye
		return false
	}
	name := lower(header.Name.String())
	switch header.Type {
	case dnsmessage.TypePTR:
		r, err := p.PTRResource()
		if i := lower(r.PTR.String()); err == nil && name == serviceKind && isInstance(i) {
			h.instances = append(h.instances, i)
		}
		return err == nil
	case dnsmessage.TypeSRV:
		r, err := p.SRVResource()
		if err == nil && isInstance(name) && r.Port != 0 {
			add(h.servers, name, server{lower(r.Target.String()), r.Port})
		}
		return err == nil
	case dnsmessage.TypeTXT:
		r, err := p.TXTResource()
		if err == nil && isInstance(name) {
			h.fits[name] = b.fit(r.TXT)
		}
		return err == nil
	case dnsmessage.TypeA:
		r, err := p.AResource()
		if err == nil {
			b.address(h, name, netip.AddrFrom4(r.A))
		}
		return err == nil
	case dnsmessage.TypeAAAA:
		r, err := p.AAAAResource()
		if err == nil {
			b.address(h, name, netip.AddrFrom16(r.AAAA))
		}
		return err == nil
	}
	return false
}

func isInstance(name string) bool { return strings.HasSuffix(name, "."+serviceKind) }

// address adds a host's address if it is on the link: nobody here sends a device elsewhere.
func (b *browse) address(h *heard, name string, a netip.Addr) {
	if !useful(a) || !b.l.neighbour(a) {
		return
	}
	if isLink6(a) {
		a = a.WithZone(b.l.zone)
	}
	add(h.hosts, name, a)
}

// fit says whether a TXT record has one of the pins: of several, the first counts (RFC 6763 6.4).
func (b *browse) fit(text []string) bool {
	for _, t := range text {
		if key, value, _ := strings.Cut(t, "="); lower(key) == pinKey {
			return slices.Contains(b.pins, lower(value))
		}
	}
	return false
}
