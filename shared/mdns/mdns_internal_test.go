package mdns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// patience ends a test that would hang; no test waits for it.
const patience = 20 * time.Second

// A responder stands on loopback for the local network. answer returns the packets for one question.
type responder struct {
	conn *net.UDPConn
	from *net.UDPConn // the answers' socket, if it is another one
}

// listening starts a responder and returns an asker of it.
func listening(t *testing.T, r *responder, answer func(q dnsmessage.Message) [][]byte) asker {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r.conn = conn
	if r.from == nil {
		r.from = conn
	}
	ended := make(chan struct{})
	t.Cleanup(func() {
		_ = conn.Close() // ends the goroutine
		<-ended
	})
	go func() {
		defer close(ended)
		packet := make([]byte, maxPacket)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(packet)
			if err != nil {
				return
			}
			var q dnsmessage.Message
			if err := q.Unpack(packet[:n]); err != nil || len(q.Questions) != 1 || q.Response {
				t.Errorf("asked %v, %v", q, err)
				return
			}
			for _, p := range answer(q) {
				_, _ = r.from.WriteToUDPAddrPort(p, from) // who asked may have gone
			}
		}
	}()
	port := uint16(conn.LocalAddr().(*net.UDPAddr).Port) //nolint:forcetypeassert // of a UDP socket
	return asker{
		group4: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), group6: standard.group6,
		flags: net.FlagUp | net.FlagLoopback, wait: patience, again: patience, settle: 50 * time.Millisecond,
	}
}

// reply answers a question with the addresses.
func reply(t *testing.T, q dnsmessage.Message, name string, ips ...string) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: q.ID, Response: true, Authoritative: true}, Questions: q.Questions}
	for _, s := range ips {
		ip := netip.MustParseAddr(s)
		h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET | 1<<15, TTL: 10}
		if ip.Is4() {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: ip.As4()}})
			continue
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
	}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func isA(q dnsmessage.Message) bool { return q.Questions[0].Type == dnsmessage.TypeA }

func TestLookup(t *testing.T) {
	t.Parallel()
	a := listening(t, &responder{}, func(q dnsmessage.Message) [][]byte {
		if isA(q) {
			return [][]byte{reply(t, q, "Gateway.Local.", "192.168.1.7", "10.0.0.7", "192.168.1.7")}
		}
		return [][]byte{reply(t, q, "gateway.local.", "fe80::7", "fd00::7")}
	})
	got, err := a.lookup(t.Context(), "GATEWAY.local")
	want := []string{"192.168.1.7", "10.0.0.7", "fd00::7", "fe80::7"}
	var texts []string
	for _, ip := range got {
		if texts = append(texts, ip.WithZone("").String()); isLink6(ip) != (ip.Zone() != "") {
			t.Errorf("got %v, want the interface with an address of the link only", ip)
		}
	}
	if err != nil || !slices.Equal(texts, want) {
		t.Errorf("got %v, %v, want %v", texts, err, want)
	}
}

// Whatever else comes, the right answer is found, and of a flood no more than the bound.
func TestLookup_adversaries(t *testing.T) {
	t.Parallel()
	cut := func(q dnsmessage.Message) []byte { p := reply(t, q, "gateway.local.", "6.6.6.6"); return p[:len(p)-1] }
	for name, bad := range map[string]func(q dnsmessage.Message) []byte{
		"another name":      func(q dnsmessage.Message) []byte { return reply(t, q, "gateway2.local.", "6.6.6.6") },
		"a longer name":     func(q dnsmessage.Message) []byte { return reply(t, q, "x.gateway.local.", "6.6.6.6") },
		"another id":        func(q dnsmessage.Message) []byte { q.ID++; return reply(t, q, "gateway.local.", "6.6.6.6") },
		"a question":        func(q dnsmessage.Message) []byte { p := reply(t, q, "gateway.local.", "6.6.6.6"); p[2] = 0; return p },
		"an error":          func(q dnsmessage.Message) []byte { p := reply(t, q, "gateway.local.", "6.6.6.6"); p[3] |= 3; return p },
		"a cut one":         cut,
		"nothing":           func(dnsmessage.Message) []byte { return nil },
		"noise":             func(dnsmessage.Message) []byte { return []byte("GET / HTTP/1.1\r\n\r\n") },
		"no addresses":      func(q dnsmessage.Message) []byte { return reply(t, q, "gateway.local.") },
		"loopback":          func(q dnsmessage.Message) []byte { return reply(t, q, "gateway.local.", "127.0.0.1", "::1") },
		"everybody":         func(q dnsmessage.Message) []byte { return reply(t, q, "gateway.local.", "224.0.0.1", "ff02::1") },
		"nobody":            func(q dnsmessage.Message) []byte { return reply(t, q, "gateway.local.", "0.0.0.0", "::") },
		"the whole network": func(q dnsmessage.Message) []byte { return reply(t, q, "gateway.local.", "255.255.255.255") },
		"an IPv4 in IPv6":   func(q dnsmessage.Message) []byte { return reply(t, q, "gateway.local.", "::ffff:6.6.6.6") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := listening(t, &responder{}, func(q dnsmessage.Message) (all [][]byte) {
				for range 20 {
					all = append(all, bad(q))
				}
				return append(all, reply(t, q, "gateway.local.", "10.0.0.7"))
			})
			got, err := a.lookup(t.Context(), "gateway.local.")
			if err != nil || len(got) != 1 || got[0].String() != "10.0.0.7" {
				t.Errorf("got %v, %v, want the right answer", got, err)
			}
		})
	}
}

func TestLookup_bounds(t *testing.T) {
	t.Parallel()
	a := listening(t, &responder{}, func(q dnsmessage.Message) (all [][]byte) {
		for i := range byte(200) {
			all = append(all, reply(t, q, "gateway.local.", netip.AddrFrom4([4]byte{10, 0, 0, i}).String()))
		}
		return all
	})
	if got, err := a.lookup(t.Context(), "gateway.local"); err != nil || len(got) > maxAddrs {
		t.Errorf("got %d addresses, %v, want up to %d", len(got), err, maxAddrs)
	}
}

// An answer from another port than multicast DNS's is not of a responder.
func TestLookup_anotherPort(t *testing.T) {
	t.Parallel()
	other, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close() //nolint:errcheck // of a test
	a := listening(t, &responder{from: other}, func(q dnsmessage.Message) [][]byte {
		return [][]byte{reply(t, q, "gateway.local.", "6.6.6.6")}
	})
	a.wait = 100 * time.Millisecond
	if got, err := a.lookup(t.Context(), "gateway.local"); !errors.Is(err, errNoAnswer) {
		t.Errorf("got %v, %v, want no answer", got, err)
	}
}

// A lost question is asked once more.
func TestLookup_asksAgain(t *testing.T) {
	t.Parallel()
	asked := 0
	a := listening(t, &responder{}, func(q dnsmessage.Message) [][]byte {
		if asked++; asked <= 2 {
			return nil
		}
		return [][]byte{reply(t, q, "gateway.local.", "10.0.0.7")}
	})
	a.again = 10 * time.Millisecond
	if got, err := a.lookup(t.Context(), "gateway.local"); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v, want the answer", got, err)
	}
}

func TestLookup_failures(t *testing.T) {
	t.Parallel()
	a := listening(t, &responder{}, func(dnsmessage.Message) [][]byte { return nil })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.lookup(gone, "gateway.local"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end that was asked for", err)
	}
	if _, err := a.lookup(t.Context(), strings.Repeat("x", 300)+".local"); err == nil {
		t.Error("got no error for a name that is too long")
	}
	if _, err := a.lookup(t.Context(), strings.Repeat("x", 64)+".local"); err == nil {
		t.Error("got no error for a label that is too long")
	}
	a.flags = net.FlagUp | net.FlagLoopback | net.FlagPointToPoint
	if _, err := a.lookup(t.Context(), "gateway.local"); err == nil || !strings.Contains(err.Error(), "no network interface") {
		t.Errorf("got %v, want that there is no interface", err)
	}
}

func TestIsLocal(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"gateway.local": true, "GATEWAY.Local.": true, "a.b.local": true, "local": false, "gateway.locals": false,
		"gateway.local.example": false, "": false, "gateway": false,
	} {
		if got := IsLocal(name); got != want {
			t.Errorf("%q: got %t, want %t", name, got, want)
		}
	}
}

func TestLink_neighbour(t *testing.T) {
	t.Parallel()
	l := link{nets: []netip.Prefix{netip.MustParsePrefix("192.168.1.7/24"), netip.MustParsePrefix("2001:db8::7/64")}}
	for addr, want := range map[string]bool{
		"192.168.1.9": true, "::ffff:192.168.1.9": true, "192.168.2.9": false, "8.8.8.8": false, "2001:db8::9": true,
		"2001:db9::9": false, "fe80::9%eth0": true,
	} {
		if got := l.neighbour(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %t, want %t", addr, got, want)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	q, err := newQuestion("gateway.local", 7)
	if err != nil {
		f.Fatal(err)
	}
	m := dnsmessage.Message{
		Header: dnsmessage.Header{ID: 7, Response: true},
		Answers: []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("gateway.local."), Class: dnsmessage.ClassINET},
			Body:   &dnsmessage.AResource{A: [4]byte{10, 0, 0, 7}},
		}},
	}
	whole, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(q.packets[0])
	// a name that points at itself, behind the header of one answer
	f.Add(append([]byte{0, 7, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0}, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 7))
	f.Fuzz(func(t *testing.T, packet []byte) {
		got := q.answers(packet, "eth0")
		if len(got) > maxRecords {
			t.Errorf("got %d addresses", len(got))
		}
		for _, a := range got {
			if !useful(a) || isLink6(a) && a.Zone() != "eth0" {
				t.Errorf("got %v", a)
			}
		}
	})
}
