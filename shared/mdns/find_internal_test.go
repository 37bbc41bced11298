package mdns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

var lan = []netip.Prefix{netip.MustParsePrefix("10.9.8.1/24"), netip.MustParsePrefix("fd00::1/64")}

// told is a response with the records, each "NAME TYPE DATA".
func told(t testing.TB, q dnsmessage.Message, records ...string) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: q.ID, Response: true}, Questions: q.Questions}
	for i, r := range records {
		f := strings.Fields(r)
		h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(f[0]), Class: dnsmessage.ClassINET | flush, TTL: 10}
		var body dnsmessage.ResourceBody
		switch f[1] {
		case "PTR":
			body = &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(f[2])}
		case "SRV":
			var port uint16
			_, _ = fmt.Sscan(f[3], &port)
			body = &dnsmessage.SRVResource{Target: dnsmessage.MustNewName(f[2]), Port: port}
		case "TXT":
			body = &dnsmessage.TXTResource{TXT: f[2:]}
		case "A":
			body = &dnsmessage.AResource{A: netip.MustParseAddr(f[2]).As4()}
		case "AAAA":
			body = &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(f[2]).As16()}
		}
		if to := &m.Answers; i == 0 {
			*to = append(*to, dnsmessage.Resource{Header: h, Body: body})
		} else {
			m.Additionals = append(m.Additionals, dnsmessage.Resource{Header: h, Body: body})
		}
	}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// gateway is what a gateway named x says of itself.
func gateway(x, pin string, port int, addrs ...string) []string {
	i := x + "." + serviceKind
	all := []string{serviceKind + " PTR " + i, fmt.Sprintf("%s SRV %s.local. %d", i, x, port), i + " TXT pin=" + pin}
	for _, a := range addrs {
		kind := "A"
		if strings.Contains(a, ":") {
			kind = "AAAA"
		}
		all = append(all, x+".local. "+kind+" "+a)
	}
	return all
}

func asking(t *testing.T, answer func(q dnsmessage.Message) [][]byte) asker {
	t.Helper()
	a := listening(t, &responder{}, answer)
	a.nets = lan
	return a
}

func find(t *testing.T, a asker) string {
	t.Helper()
	got, err := a.find(t.Context(), [][8]byte{otherPin, ourPin})
	if err != nil {
		return err.Error()
	}
	for i, c := range got { // of the test's own interface
		if isLink6(c.Addr()) == (c.Addr().Zone() == "") {
			t.Errorf("got %v, want the interface with an address of the link only", c)
		}
		got[i] = netip.AddrPortFrom(c.Addr().WithZone(""), c.Port())
	}
	return fmt.Sprint(got)
}

const goodPin = "0123456789abcdef"

func TestFind(t *testing.T) {
	t.Parallel()
	a := asking(t, func(q dnsmessage.Message) [][]byte {
		if said(t, repacked(t, q))[0] != "? _piway._tcp.local. TypePTR" {
			return nil
		}
		return [][]byte{
			told(t, q, gateway("a", "0123456789ABCDEF", 8883, "fe80::7", "fd00::7", "10.9.8.7", "10.9.8.7")...),
			told(t, q, gateway("b", "fedcba9876543210", 8884, "10.9.8.9")...),
			told(t, q, gateway("c", "00000000deadbeef", 8885, "10.9.8.11")...),
		}
	})
	if got, want := find(t, a), "[10.9.8.7:8883 10.9.8.9:8884 [fd00::7]:8883 [fe80::7]:8883]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func repacked(t *testing.T, m dnsmessage.Message) []byte {
	t.Helper()
	packet, err := m.Pack()
	if err != nil {
		t.Error(err)
	}
	return packet
}

// What an answer leaves out is asked for.
func TestFind_inPieces(t *testing.T) {
	t.Parallel()
	all := gateway("a", goodPin, 8883, "10.9.8.7")
	a := asking(t, func(q dnsmessage.Message) [][]byte {
		kind := strings.TrimPrefix(q.Questions[0].Type.String(), "Type")
		for _, r := range all {
			if strings.HasPrefix(r, q.Questions[0].Name.String()+" "+kind+" ") {
				return [][]byte{told(t, q, r)}
			}
		}
		return nil
	})
	if got, want := find(t, a), "[10.9.8.7:8883]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Whatever else comes, the right answer is found, and nothing else.
func TestFind_adversaries(t *testing.T) {
	t.Parallel()
	bad := func(change func(all []string) []string) func(q dnsmessage.Message) []byte {
		return func(q dnsmessage.Message) []byte {
			return told(t, q, change(gateway("x", goodPin, 6666, "10.9.8.66"))...)
		}
	}
	with := func(i int, text string) func(q dnsmessage.Message) []byte {
		return bad(func(all []string) []string { all[i] = text; return all })
	}
	bytes := func(change func(p []byte) []byte) func(q dnsmessage.Message) []byte {
		good := bad(func(all []string) []string { return all })
		return func(q dnsmessage.Message) []byte { return change(good(q)) }
	}
	const x = "x." + serviceKind
	for name, bad := range map[string]func(q dnsmessage.Message) []byte{
		"another pin":        with(2, x+" TXT pin=0123456789abcde0"),
		"a longer pin":       with(2, x+" TXT pin=0123456789abcdef0"),
		"a shorter pin":      with(2, x+" TXT pin=0123456789abcde"),
		"an empty pin":       with(2, x+" TXT pin="),
		"another key":        with(2, x+" TXT pins="+goodPin),
		"a second pin":       with(2, x+" TXT pin=1 pin="+goodPin),
		"no text":            bad(func(all []string) []string { return slices.Delete(all, 2, 3) }),
		"text of another":    with(2, "y."+serviceKind+" TXT pin="+goodPin),
		"another service":    bad(func(all []string) []string { return replaced(all, serviceKind, "_ipp._tcp.local.") }),
		"no port":            with(1, x+" SRV x.local. 0"),
		"this machine":       with(3, "x.local. A 127.0.0.1"),
		"this machine, IPv6": with(3, "x.local. AAAA ::1"),
		"nobody":             with(3, "x.local. A 0.0.0.0"),
		"everybody":          with(3, "x.local. A 224.0.0.1"),
		"another network":    with(3, "x.local. A 6.6.6.6"),
		"an IPv4 in IPv6":    with(3, "x.local. AAAA ::ffff:10.9.8.66"),
		"another host":       with(3, "y.local. A 10.9.8.66"),
		"another id":         bytes(func(p []byte) []byte { p[1]++; return p }),
		"a question":         bytes(func(p []byte) []byte { p[2] = 0; return p }),
		"an error":           bytes(func(p []byte) []byte { p[3] |= 3; return p }),
		"a cut one":          bytes(func(p []byte) []byte { return p[:len(p)-1] }),
		"nothing":            bytes(func([]byte) []byte { return nil }),
		"a name in itself": bytes(func(p []byte) []byte {
			return append(append([]byte{p[0], p[1], 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0}, 0xc0, 12, 0, 12, 0, 1), 0, 0, 0, 9, 0, 2, 0xc0, 12)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := asking(t, func(q dnsmessage.Message) (all [][]byte) {
				if q.Questions[0].Type != dnsmessage.TypePTR {
					return nil
				}
				for range 20 {
					all = append(all, bad(q))
				}
				return append(all, told(t, q, gateway("a", goodPin, 8883, "10.9.8.7")...))
			})
			if got, want := find(t, a), "[10.9.8.7:8883]"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func replaced(all []string, old, by string) []string {
	for i := range all {
		all[i] = strings.ReplaceAll(all[i], old, by)
	}
	return all
}

// Hundreds of instances, whose answers leave out what would have to be asked for, keep nobody out, and are not asked
// for one by one.
func TestFind_flood(t *testing.T) {
	t.Parallel()
	var more atomic.Int32
	a := asking(t, func(q dnsmessage.Message) (all [][]byte) {
		if q.Questions[0].Type != dnsmessage.TypePTR {
			more.Add(1)
			return nil
		}
		for i := range 20 { // each with as many records as are read; more would not wait in the socket
			var many []string
			for j := range 16 {
				x := fmt.Sprintf("x%d-%d", i, j)
				many = append(many, gateway(x, "0000000000000000", 6666, "10.9.8.66")[:3]...)
				many = append(many, serviceKind+" PTR y"+x+"."+serviceKind)
			}
			all = append(all, told(t, q, many...))
			if i == 10 {
				all = append(all, told(t, q, gateway("a", goodPin, 8883, "10.9.8.7")...))
			}
		}
		return all
	})
	if got, want := find(t, a), "[10.9.8.7:8883]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if more.Load() > maxMore {
		t.Errorf("asked %d more questions, want up to %d", more.Load(), maxMore)
	}
}

// One responder with many gateways leaves room for others.
func TestBrowse_crowd(t *testing.T) {
	t.Parallel()
	b := newBrowse(&link{nets: lan, zone: "lan0"}, 7, [][8]byte{ourPin})
	q := dnsmessage.Message{Header: dnsmessage.Header{ID: 7}}
	var all []netip.AddrPort
	for i := range 100 {
		packet := told(t, q, gateway("x", goodPin, 6000+i, fmt.Sprintf("10.9.8.%d", i), "fe80::66")...)
		all = append(all, b.take(packet, netip.MustParseAddr("10.9.8.66"))...)
	}
	all = append(all, b.take(told(t, q, gateway("a", goodPin, 8883, "10.9.8.7")...), netip.MustParseAddr("10.9.8.7"))...)
	got := arranged(all, netip.AddrPort.Addr)
	if len(got) > maxOfOne+1 || !slices.Contains(got, netip.MustParseAddrPort("10.9.8.7:8883")) {
		t.Errorf("got %v, want up to %d of one and the other", got, maxOfOne)
	}
}

// What is remembered of a link has bounds.
func TestBrowse_memory(t *testing.T) {
	t.Parallel()
	b := newBrowse(&link{nets: lan, zone: "lan0"}, 7, [][8]byte{ourPin})
	q := dnsmessage.Message{Header: dnsmessage.Header{ID: 7}}
	for i := range 2000 {
		x := fmt.Sprint("x", i%500)
		r := gateway(x, "0000000000000000", 1+i, fmt.Sprintf("10.9.8.%d", i%250))
		b.take(told(t, q, r...), netip.AddrFrom4([4]byte{10, 9, 8, byte(i)}))
	}
	h := b.heard
	if len(h.fits) > maxNames || len(h.servers) > maxNames || len(h.hosts) > maxNames || len(h.instances) > 0 {
		t.Errorf("got %d, %d, %d, %d names", len(h.fits), len(h.servers), len(h.hosts), len(h.instances))
	}
	for _, s := range h.servers {
		if len(s) > maxEach {
			t.Errorf("got %d servers", len(s))
		}
	}
}

func TestFind_nobody(t *testing.T) {
	t.Parallel()
	a := asking(t, func(dnsmessage.Message) [][]byte { return nil })
	a.wait = 50 * time.Millisecond
	if got, err := a.find(t.Context(), [][8]byte{ourPin}); !errors.Is(err, errNoAnswer) {
		t.Errorf("got %v, %v, want no answer", got, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := a.find(gone, [][8]byte{ourPin}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v, want the end that was asked for", got, err)
	}
	a.flags = net.FlagUp | net.FlagLoopback | net.FlagPointToPoint
	if got, err := a.find(t.Context(), [][8]byte{ourPin}); err == nil {
		t.Errorf("got %v, want that there is no interface", got)
	}
}

func FuzzCandidates(f *testing.F) {
	q := dnsmessage.Message{Header: dnsmessage.Header{ID: 7}}
	f.Add(told(f, q, gateway("a", goodPin, 8883, "10.9.8.7", "fe80::7", "fd00::7")...), []byte{})
	all := gateway("a", goodPin, 8883, "10.9.8.7")
	f.Add(told(f, q, all[:2]...), told(f, q, all[2:]...))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		b := newBrowse(&link{nets: lan, zone: "lan0"}, 7, [][8]byte{ourPin})
		got := append(b.take(first, lan[0].Addr()), b.take(second, lan[0].Addr())...)
		if len(got) > maxOfOne {
			t.Errorf("got %d candidates of one", len(got))
		}
		for _, c := range got {
			if a := c.Addr(); !useful(a) || !b.l.neighbour(a) || isLink6(a) && a.Zone() != "lan0" || c.Port() == 0 {
				t.Errorf("got %v", c)
			}
		}
	})
}
