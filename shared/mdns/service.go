package mdns

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"
)

// The names of DNS-SD (RFC 6763 4, 9).
const (
	serviceKind = "_piway._tcp.local."
	allKinds    = "_services._dns-sd._udp.local."
	pinKey      = "pin" // of the TXT record
)

const (
	flush  = 1 << 15 // of a record's class (RFC 6762 10.2)
	aside  = 1 << 15 // of a question's class: the answer may come to one address (RFC 6762 5.4)
	ttl    = 120     // seconds: a gateway that ended without a goodbye is forgotten then
	ttlOne = 10      // in an answer to one who keeps no cache (RFC 6762 6.7)
	// maxOwn addresses of an interface are announced: all records fit into one packet of any network.
	maxOwn = 16
)

// A service is what is announced. No name in it is of the machine, its user or its version.
//
// No record claims to be the only one of its name: where a gateway and its restored copy both run, both are found, and
// neither has to yield.
type service struct {
	kind, all, instance, host dnsmessage.Name
	port                      uint16
	text                      string
}

func newService(port int, pin8 [8]byte) (*service, error) {
	if port < 1 || port > 65535 {
		return nil, fmt.Errorf("announcing port %d: want 1 to 65535", port)
	}
	digits := hex.EncodeToString(pin8[:])
	return &service{
		kind: dnsmessage.MustNewName(serviceKind), all: dnsmessage.MustNewName(allKinds),
		instance: dnsmessage.MustNewName(digits + "." + serviceKind), host: dnsmessage.MustNewName(digits + ".local."),
		port: uint16(port), text: pinKey + "=" + digits,
	}, nil
}

// records are all that is known of the service on an interface with the addresses.
func (s *service) records(nets []netip.Prefix, ttl uint32) []dnsmessage.Resource {
	var all []dnsmessage.Resource
	add := func(name dnsmessage.Name, body dnsmessage.ResourceBody) {
		h := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: ttl}
		switch body.(type) { // which Pack sets too, and answers need before
		case *dnsmessage.PTRResource:
			h.Type = dnsmessage.TypePTR
		case *dnsmessage.SRVResource:
			h.Type = dnsmessage.TypeSRV
		case *dnsmessage.TXTResource:
			h.Type = dnsmessage.TypeTXT
		case *dnsmessage.AResource:
			h.Type = dnsmessage.TypeA
		case *dnsmessage.AAAAResource:
			h.Type = dnsmessage.TypeAAAA
		}
		all = append(all, dnsmessage.Resource{Header: h, Body: body})
	}
	add(s.kind, &dnsmessage.PTRResource{PTR: s.instance})
	add(s.instance, &dnsmessage.SRVResource{Port: s.port, Target: s.host})
	add(s.instance, &dnsmessage.TXTResource{TXT: []string{s.text}})
	if ttl != 0 { // others may have services of the kind
		add(s.all, &dnsmessage.PTRResource{PTR: s.kind})
	}
	for _, n := range nets[:min(len(nets), maxOwn)] {
		if a := n.Addr(); a.Is4() {
			add(s.host, &dnsmessage.AResource{A: a.As4()})
		} else {
			add(s.host, &dnsmessage.AAAAResource{AAAA: a.As16()})
		}
	}
	return all
}

// announcement tells everybody all records. With a ttl of 0 it is a goodbye (RFC 6762 10.1).
func (s *service) announcement(nets []netip.Prefix, ttl uint32) ([]byte, error) {
	m := dnsmessage.Message{
		Header:  dnsmessage.Header{Response: true, Authoritative: true},
		Answers: s.records(nets, ttl),
	}
	return m.Pack()
}

// reply answers one who asked from a port of its own. It is nil if nothing of what was asked for is there.
func (s *service) reply(q inquiry, nets []netip.Prefix) ([]byte, error) {
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: q.id, Response: true, Authoritative: true},
		Questions: q.ours,
	}
	for _, r := range s.records(nets, ttlOne) {
		if q.asksFor(r.Header) {
			m.Answers = append(m.Answers, r)
		} else if r.Header.Name != s.all {
			m.Additionals = append(m.Additionals, r)
		}
	}
	if m.Answers == nil {
		return nil, nil
	}
	return m.Pack()
}

// Bounds of a question.
const (
	maxQuestions = 64 // that are read of one packet
	maxOurs      = 8  // that are answered of one packet
)

// An inquiry is what a packet asks of the service.
type inquiry struct {
	id   uint16
	ours []dnsmessage.Question
}

func (q inquiry) asksFor(h dnsmessage.ResourceHeader) bool {
	for _, o := range q.ours {
		if lower(o.Name.String()) == h.Name.String() && (o.Type == h.Type || o.Type == dnsmessage.TypeALL) {
			return true
		}
	}
	return false
}

// read returns what a packet from the network asks of the service, and false if that is nothing, or known already to
// who asks.
func (s *service) read(packet []byte) (inquiry, bool) {
	var p dnsmessage.Parser
	header, err := p.Start(packet)
	if err != nil || header.Response || header.OpCode != 0 {
		return inquiry{}, false
	}
	q := inquiry{id: header.ID}
	for range maxQuestions {
		o, err := p.Question()
		if err != nil {
			if p.SkipQuestion() != nil { // not only a name that this library does not read
				break // the end, or a cut
			}
			continue
		}
		if len(q.ours) < maxOurs && s.has(o) {
			o.Class &^= aside
			q.ours = append(q.ours, o)
		}
	}
	return q, len(q.ours) > 0 && !s.known(&p, q)
}

// has says whether a question is for one of the records.
func (s *service) has(q dnsmessage.Question) bool {
	if c := q.Class &^ aside; c != dnsmessage.ClassINET && c != dnsmessage.ClassANY {
		return false
	}
	var kinds []dnsmessage.Type
	switch lower(q.Name.String()) {
	case s.kind.String(), s.all.String():
		kinds = []dnsmessage.Type{dnsmessage.TypePTR}
	case s.instance.String():
		kinds = []dnsmessage.Type{dnsmessage.TypeSRV, dnsmessage.TypeTXT}
	case s.host.String():
		kinds = []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA}
	default:
		return false
	}
	for _, k := range kinds {
		if q.Type == k || q.Type == dnsmessage.TypeALL {
			return true
		}
	}
	return false
}

// known says whether who asks only which services there are has ours in the answers that it knows (RFC 6762 7.1).
func (s *service) known(p *dnsmessage.Parser, q inquiry) bool {
	if len(q.ours) != 1 || lower(q.ours[0].Name.String()) != s.kind.String() {
		return false
	}
	for range maxRecords {
		same, err := s.isInstance(p)
		if err != nil && p.SkipAnswer() != nil {
			return false // the end, or a cut
		}
		if same {
			return true
		}
	}
	return false
}

var errOther = errors.New("another record")

// isInstance reads an answer if it is that there is our instance, and that will be known long enough. With an error the
// answer is to be skipped.
func (s *service) isInstance(p *dnsmessage.Parser) (bool, error) {
	h, err := p.AnswerHeader()
	if err != nil {
		return false, err
	}
	if h.Type != dnsmessage.TypePTR || lower(h.Name.String()) != s.kind.String() || h.TTL < ttl/2 {
		return false, errOther
	}
	r, err := p.PTRResource()
	return err == nil && lower(r.PTR.String()) == s.instance.String(), err
}
