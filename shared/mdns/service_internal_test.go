package mdns

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

var (
	ourPin   = [8]byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}
	otherPin = [8]byte{0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10}
	ourNets  = []netip.Prefix{netip.MustParsePrefix("10.9.8.7/24"), netip.MustParsePrefix("fe80::7/64")}
)

const (
	ourInstance = "0123456789abcdef._piway._tcp.local."
	ourHost     = "0123456789abcdef.local."
)

func ours(t testing.TB) *service {
	t.Helper()
	s, err := newService(8883, ourPin)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// said is what a packet says, a line each question and record.
func said(t testing.TB, packet []byte) (lines []string) {
	t.Helper()
	var m dnsmessage.Message
	if err := m.Unpack(packet); err != nil {
		t.Fatalf("%v of %x", err, packet)
	}
	for _, q := range m.Questions {
		lines = append(lines, fmt.Sprintf("? %s %s", q.Name, q.Type))
	}
	for i, section := range [][]dnsmessage.Resource{m.Answers, m.Authorities, m.Additionals} {
		for _, r := range section {
			line := fmt.Sprintf("%s %s %d %s ", []string{"!", "@", "+"}[i], r.Header.Name, r.Header.TTL, r.Header.Type)
			switch b := r.Body.(type) {
			case *dnsmessage.PTRResource:
				line += b.PTR.String()
			case *dnsmessage.SRVResource:
				line += fmt.Sprint(b.Target, " ", b.Port)
			case *dnsmessage.TXTResource:
				line += fmt.Sprintf("%q", b.TXT)
			case *dnsmessage.AResource:
				line += netip.AddrFrom4(b.A).String()
			case *dnsmessage.AAAAResource:
				line += netip.AddrFrom16(b.AAAA).String()
			}
			if r.Header.Class != dnsmessage.ClassINET {
				line += fmt.Sprint(" of class ", r.Header.Class)
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// What is told is this, and nothing of the machine.
func TestService_announcement(t *testing.T) {
	t.Parallel()
	packet, err := ours(t).announcement(ourNets, ttl)
	want := []string{
		"! _piway._tcp.local. 120 TypePTR " + ourInstance,
		"! " + ourInstance + " 120 TypeSRV " + ourHost + " 8883",
		"! " + ourInstance + ` 120 TypeTXT ["pin=0123456789abcdef"]`,
		"! _services._dns-sd._udp.local. 120 TypePTR _piway._tcp.local.",
		"! " + ourHost + " 120 TypeA 10.9.8.7",
		"! " + ourHost + " 120 TypeAAAA fe80::7",
	}
	if got := said(t, packet); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v\n%s\nwant\n%s", err, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if name, err := os.Hostname(); err == nil && len(name) > 3 && strings.Contains(string(packet), name) {
		t.Errorf("the announcement names the machine %q", name)
	}
}

// A goodbye takes back what was told, but not that there are services of the kind: others may have some.
func TestService_goodbye(t *testing.T) {
	t.Parallel()
	packet, err := ours(t).announcement(ourNets, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := said(t, packet)
	for _, l := range got {
		if !strings.Contains(l, " 0 Type") || strings.Contains(l, "_services") {
			t.Errorf("goodbye says %q", l)
		}
	}
	if len(got) != 5 {
		t.Errorf("goodbye says %q, want all five records", got)
	}
}

// A packet is not larger than any network takes, however many addresses an interface has.
func TestService_manyAddresses(t *testing.T) {
	t.Parallel()
	var nets []netip.Prefix
	for i := range byte(200) {
		nets = append(nets, netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: i}), 64))
	}
	if packet, err := ours(t).announcement(nets, ttl); err != nil || len(packet) > 1232 { // of IPv6's least MTU
		t.Errorf("got %d bytes, %v", len(packet), err)
	}
}

func TestNewService_port(t *testing.T) {
	t.Parallel()
	for _, port := range []int{-1, 0, 65536} {
		if _, err := newService(port, ourPin); err == nil {
			t.Errorf("got no error for port %d", port)
		}
	}
}

func inquire(t testing.TB, name string, kind dnsmessage.Type, change ...func(*dnsmessage.Message)) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7}, Questions: []dnsmessage.Question{{
		Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET,
	}}}
	for _, c := range change {
		c(&m)
	}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func knowing(instance string, ttl uint32) func(*dnsmessage.Message) {
	return func(m *dnsmessage.Message) {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(serviceKind), Class: dnsmessage.ClassINET, TTL: ttl},
			Body:   &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(instance)},
		})
	}
}

// A question of ours is answered whoever asks for what beside, and no other is.
func TestService_read(t *testing.T) {
	t.Parallel()
	response := func(m *dnsmessage.Message) { m.Response = true }
	update := func(m *dnsmessage.Message) { m.OpCode = 5 }
	unicast := func(m *dnsmessage.Message) { m.Questions[0].Class |= aside }
	chaos := func(m *dnsmessage.Message) { m.Questions[0].Class = 3 }
	before := func(names ...string) func(*dnsmessage.Message) {
		return func(m *dnsmessage.Message) {
			for _, n := range names {
				q := dnsmessage.Question{Name: dnsmessage.MustNewName(n), Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET}
				m.Questions = append([]dnsmessage.Question{q}, m.Questions...)
			}
		}
	}
	const ptr, srv, txt = dnsmessage.TypePTR, dnsmessage.TypeSRV, dnsmessage.TypeTXT
	dotted := strings.Replace(string(inquire(t, serviceKind, ptr, before("PrinterXv1.local."))), "PrinterXv1", "Printer.v1", 1)
	loop := append(inquire(t, serviceKind, ptr)[:12], 0xc0, 12, 0, 12, 0, 1)
	for _, c := range []struct {
		name   string
		packet []byte
		want   bool
	}{
		{"the kind", inquire(t, serviceKind, ptr), true},
		{"in capital letters", inquire(t, "_PIWAY._TCP.Local.", ptr), true},
		{"anything of the kind", inquire(t, serviceKind, dnsmessage.TypeALL), true},
		{"all kinds", inquire(t, allKinds, ptr), true},
		{"the instance", inquire(t, ourInstance, srv), true},
		{"the instance's text", inquire(t, ourInstance, txt), true},
		{"the host", inquire(t, ourHost, dnsmessage.TypeAAAA), true},
		{"an answer to one", inquire(t, serviceKind, ptr, unicast), true},
		{"after others", inquire(t, serviceKind, ptr, before("_ipp._tcp.local.", "_http._tcp.local.")), true},
		{"after a name with a dot in it", []byte(dotted), true},
		{"knowing another", inquire(t, serviceKind, ptr, knowing("fedc._piway._tcp.local.", 120)), true},
		{"knowing it for little longer", inquire(t, serviceKind, ptr, knowing(ourInstance, 59)), true},
		{"knowing it", inquire(t, serviceKind, ptr, knowing("x._piway._tcp.local.", 120), knowing(ourInstance, 60)), false},
		{"another kind", inquire(t, "_ipp._tcp.local.", ptr), false},
		{"a name of the kind that is longer", inquire(t, "x._piway._tcp.local.", ptr), false},
		{"another type", inquire(t, serviceKind, txt), false},
		{"another class", inquire(t, serviceKind, ptr, chaos), false},
		{"another instance", inquire(t, "fedc._piway._tcp.local.", srv), false},
		{"a response", inquire(t, serviceKind, ptr, response), false},
		{"an update", inquire(t, serviceKind, ptr, update), false},
		{"cut", inquire(t, serviceKind, ptr)[:30], false},
		{"a name in itself", loop, false},
		{"noise", []byte("GET / HTTP/1.1\r\n\r\n"), false},
		{"nothing", nil, false},
	} {
		if q, got := ours(t).read(c.packet); got != c.want {
			t.Errorf("%s: got %t, %v, want %t", c.name, got, q, c.want)
		}
	}
}

// Who asks from a port of its own gets the id and the question back, and what it asked for first.
func TestService_reply(t *testing.T) {
	t.Parallel()
	s := ours(t)
	q, _ := s.read(inquire(t, "_Piway._tcp.local.", dnsmessage.TypePTR))
	packet, err := s.reply(q, ourNets)
	want := []string{
		"? _Piway._tcp.local. TypePTR",
		"! _piway._tcp.local. 10 TypePTR " + ourInstance,
		"+ " + ourInstance + " 10 TypeSRV " + ourHost + " 8883",
		"+ " + ourInstance + ` 10 TypeTXT ["pin=0123456789abcdef"]`,
		"+ " + ourHost + " 10 TypeA 10.9.8.7",
		"+ " + ourHost + " 10 TypeAAAA fe80::7",
	}
	if got := said(t, packet); err != nil || !slices.Equal(got, want) || packet[1] != 7 {
		t.Errorf("got %v\n%s\nwant\n%s", err, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	q, _ = s.read(inquire(t, ourHost, dnsmessage.TypeAAAA))
	if packet, err := s.reply(q, ourNets[:1]); err != nil || packet != nil {
		t.Errorf("got %q, %v, want no answer: there is no such address", packet, err)
	}
	many := inquire(t, serviceKind, dnsmessage.TypePTR, func(m *dnsmessage.Message) {
		for range 500 {
			m.Questions = append(m.Questions, m.Questions[0])
		}
	})
	q, _ = s.read(many)
	if packet, err := s.reply(q, ourNets); err != nil || len(packet) > 512 {
		t.Errorf("got %d bytes, %v, want a small answer to many questions", len(packet), err)
	}
}

func FuzzQuestions(f *testing.F) {
	s := ours(f)
	for _, name := range []string{serviceKind, allKinds, ourInstance, ourHost} {
		f.Add(inquire(f, name, dnsmessage.TypeALL))
	}
	f.Add(inquire(f, serviceKind, dnsmessage.TypePTR, knowing(ourInstance, 120)))
	f.Fuzz(func(t *testing.T, packet []byte) {
		q, ok := s.read(packet)
		if !ok {
			return
		}
		reply, err := s.reply(q, ourNets)
		if err != nil || len(reply) > 1232 {
			t.Errorf("got %d bytes, %v", len(reply), err)
		}
	})
}
