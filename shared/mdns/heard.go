package mdns

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

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
	case dnsmessage.TypeA:
		r, err := p.AResource()
		b.address(h, name, netip.AddrFrom4(r.A))
		return err == nil
	case dnsmessage.TypeAAAA:
		r, err := p.AAAAResource()
		b.address(h, name, netip.AddrFrom16(r.AAAA))
		return err == nil
	case dnsmessage.TypePTR:
		r, err := p.PTRResource()
		if i := lower(r.PTR.String()); name == serviceKind && isInstance(i) {
			h.instances = append(h.instances, i)
		}
		return err == nil
	}
	return isInstance(name) && b.instance(p, header.Type, name, h)
}

// instance adds a record of an instance to h. It returns false if it is not read.
func (b *browse) instance(p *dnsmessage.Parser, kind dnsmessage.Type, name string, h *heard) bool {
	switch kind {
	case dnsmessage.TypeSRV:
		r, err := p.SRVResource()
		if r.Port != 0 {
			add(h.servers, name, server{lower(r.Target.String()), r.Port})
		}
		return err == nil
	case dnsmessage.TypeTXT:
		r, err := p.TXTResource()
		if err == nil {
			h.fits[name] = b.fit(r.TXT)
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
