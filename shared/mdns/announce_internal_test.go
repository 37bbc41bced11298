package mdns

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/time/rate"
)

// A fakeLAN stands on loopback for a network: group hears what is announced, and at is where the announcer hears.
type fakeLAN struct {
	group *net.UDPConn
	at    chan netip.AddrPort // of each socket that is opened

	mu     sync.Mutex
	places []place
	err    error // of opening
}

func (f *fakeLAN) set(err error, places ...place) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.places = err, places
}

func local(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func on(name, net string) place {
	p := netip.MustParsePrefix(net)
	return place{1, name, p.Addr(), []netip.Prefix{p, netip.MustParsePrefix("127.0.0.1/8")}}
}

// announcing runs an announcer, which change may change, until the returned function.
func announcing(t *testing.T, log *slog.Logger, change func(*announcer), places ...place) (f *fakeLAN, end func()) {
	t.Helper()
	f = &fakeLAN{group: local(t), at: make(chan netip.AddrPort, 100), places: places}
	a := newAnnouncer(ours(t), log)
	a.group4 = netip.MustParseAddrPort(f.group.LocalAddr().String())
	a.places = func() ([]place, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.places, nil
	}
	a.join = func(place, netip.AddrPort) (*net.UDPConn, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.err != nil {
			return nil, f.err
		}
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err == nil {
			f.at <- netip.MustParseAddrPort(conn.LocalAddr().String())
		}
		return conn, err
	}
	a.look, a.pause, a.polite = 10*time.Millisecond, 10*time.Millisecond, func() time.Duration { return time.Millisecond }
	if change != nil {
		change(a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); a.run(ctx) }()
	end = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(end)
	return f, end
}

// next returns the next packet that is announced to everybody.
func (f *fakeLAN) next(t *testing.T) []string {
	t.Helper()
	_ = f.group.SetReadDeadline(time.Now().Add(patience))
	packet := make([]byte, maxPacket)
	n, _, err := f.group.ReadFromUDPAddrPort(packet)
	if err != nil {
		t.Fatal(err)
	}
	return said(t, packet[:n])
}

const (
	hello = "! " + ourHost + " 120 TypeA "
	bye   = "! " + ourHost + " 0 TypeA "
)

func (f *fakeLAN) expect(t *testing.T, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if got := f.next(t); !slices.Contains(got, l) {
			t.Fatalf("got\n%s\nwant %s", strings.Join(got, "\n"), l)
		}
	}
}

// A gateway is announced twice, then when somebody asks, with a goodbye at the end.
func TestAnnouncer(t *testing.T) {
	t.Parallel()
	f, end := announcing(t, slog.New(slog.DiscardHandler), nil, on("lan0", "10.9.8.7/24"))
	f.expect(t, hello+"10.9.8.7", hello+"10.9.8.7")
	at := <-f.at
	ask := inquire(t, serviceKind, dnsmessage.TypePTR)
	if _, err := f.group.WriteToUDPAddrPort(ask, at); err != nil { // from the group's port
		t.Fatal(err)
	}
	f.expect(t, hello+"10.9.8.7")

	alone := local(t)
	if _, err := alone.WriteToUDPAddrPort(ask, at); err != nil {
		t.Fatal(err)
	}
	_ = alone.SetReadDeadline(time.Now().Add(patience))
	packet := make([]byte, maxPacket)
	n, from, err := alone.ReadFromUDPAddrPort(packet)
	if err != nil || from != at || !slices.Contains(said(t, packet[:n]), "+ "+ourHost+" 10 TypeA 10.9.8.7") {
		t.Errorf("got %x of %s, %v, want the answer", packet[:n], from, err)
	}
	go end()
	f.expect(t, bye+"10.9.8.7")
}

// The announcement follows the interfaces: one that comes, changes its address, goes, and comes again.
func TestAnnouncer_follows(t *testing.T) {
	t.Parallel()
	f, _ := announcing(t, slog.New(slog.DiscardHandler), nil)
	f.set(nil, on("lan0", "10.9.8.7/24"))
	f.expect(t, hello+"10.9.8.7", hello+"10.9.8.7")
	f.set(nil, on("lan0", "10.9.8.9/24"))
	f.expect(t, bye+"10.9.8.7", hello+"10.9.8.9", hello+"10.9.8.9")
	f.set(nil)
	f.expect(t, bye+"10.9.8.9")
	f.set(nil, on("lan0", "10.9.8.9/24"))
	f.expect(t, hello+"10.9.8.9", hello+"10.9.8.9")
}

// One network behind two interfaces hears of the one that is left after the goodbye of the other.
func TestAnnouncer_twoWays(t *testing.T) {
	t.Parallel()
	f, _ := announcing(t, slog.New(slog.DiscardHandler), nil, on("lan0", "10.9.8.7/24"))
	f.expect(t, hello+"10.9.8.7", hello+"10.9.8.7")
	f.set(nil, on("lan0", "10.9.8.7/24"), on("lan1", "10.9.8.9/24"))
	f.expect(t, hello+"10.9.8.9", hello+"10.9.8.9")
	f.set(nil, on("lan0", "10.9.8.7/24"))
	f.expect(t, bye+"10.9.8.9", hello+"10.9.8.7")
}

// What fails is told once, tried again, and hinders nothing.
func TestAnnouncer_tellsOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	tries := make(chan struct{}, 100)
	f, end := announcing(t, slog.New(slog.NewTextHandler(&log, nil)), func(a *announcer) {
		join := a.join
		a.join = func(p place, group netip.AddrPort) (*net.UDPConn, error) {
			select {
			case tries <- struct{}{}:
			default:
			}
			return join(p, group)
		}
	})
	f.set(errors.New("address already in use"), on("lan0", "10.9.8.7/24"))
	for range 5 {
		<-tries
	}
	f.set(nil, on("lan0", "10.9.8.7/24"))
	f.expect(t, hello+"10.9.8.7")
	end()
	if got := log.String(); strings.Count(got, "address already in use") != 1 || strings.Count(got, "\n") != 1 ||
		!strings.Contains(got, "on lan0") {
		t.Errorf("logged %q, want one line", got)
	}
}

// A strange number of errors is not logged.
func TestAnnouncer_tellsFew(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a := newAnnouncer(ours(t), slog.New(slog.NewTextHandler(&log, nil)))
	for i := range 1000 {
		a.tell(errors.New(strings.Repeat("x", i)))
	}
	if n := strings.Count(log.String(), "\n"); n != maxTold {
		t.Errorf("logged %d lines, want %d", n, maxTold)
	}
}

// Who is not on the link gets no answer: nobody makes the gateway send to a stranger.
func TestAnnouncer_stranger(t *testing.T) {
	t.Parallel()
	p := on("lan0", "10.9.8.7/24")
	p.nets = p.nets[:1] // without loopback
	f, _ := announcing(t, slog.New(slog.DiscardHandler), nil, p)
	f.expect(t, hello+"10.9.8.7", hello+"10.9.8.7")
	at := <-f.at
	ask := inquire(t, serviceKind, dnsmessage.TypePTR)
	alone := local(t)
	for _, c := range []*net.UDPConn{alone, f.group} {
		if _, err := c.WriteToUDPAddrPort(ask, at); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if n, _, err := c.ReadFromUDPAddrPort(make([]byte, maxPacket)); err == nil {
			t.Errorf("got %d bytes, want nothing", n)
		}
	}
}

// flood sends n questions, and returns how many packets came to the socket by the end of these, and after how long.
func flood(t *testing.T, conn *net.UDPConn, at netip.AddrPort, n int) (packets int, after time.Duration) {
	t.Helper()
	begun := time.Now()
	ask := inquire(t, serviceKind, dnsmessage.TypePTR)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range n {
			_, _ = conn.WriteToUDPAddrPort(ask, at)
			if i%100 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	packet := make([]byte, maxPacket)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, _, err := conn.ReadFromUDPAddrPort(packet); err == nil {
			packets++
		}
		select {
		case <-sent:
			return packets, time.Since(begun)
		default:
		}
	}
}

// Of a flood of questions, so many are read and answered in a second, and no more.
func TestAnnouncer_flood(t *testing.T) {
	t.Parallel()
	const pause = 50 * time.Millisecond
	for name, c := range map[string]struct {
		change  func(*announcer)
		alone   bool
		allowed func(after time.Duration) float64
	}{
		"one announcement a pause": {
			func(a *announcer) { a.heard = rate.NewLimiter(rate.Inf, 1) }, false,
			func(after time.Duration) float64 { return after.Seconds()/pause.Seconds() + 2 },
		},
		"answers": {
			func(a *announcer) { a.heard, a.replies = rate.NewLimiter(rate.Inf, 1), rate.NewLimiter(20, 10) }, true,
			func(after time.Duration) float64 { return 20*after.Seconds() + 10 },
		},
		"packets that are read": {
			func(a *announcer) { a.heard, a.replies = rate.NewLimiter(20, 10), rate.NewLimiter(rate.Inf, 1) }, true,
			func(after time.Duration) float64 { return 20*after.Seconds() + 10 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := announcing(t, slog.New(slog.DiscardHandler), func(a *announcer) { a.pause = pause; c.change(a) },
				on("lan0", "10.9.8.7/24"))
			f.expect(t, hello+"10.9.8.7", hello+"10.9.8.7")
			conn := f.group
			if c.alone {
				conn = local(t)
			}
			got, after := flood(t, conn, <-f.at, 3000)
			if float64(got) > c.allowed(after)+1 || got == 0 {
				t.Errorf("got %d packets after %s, want up to %.0f", got, after, c.allowed(after))
			}
		})
	}
}

// A question that is not ours costs no memory.
func TestService_readCosts(t *testing.T) { //nolint:paralleltest // it counts the process's allocations
	s := ours(t)
	foreign := inquire(t, "_ipp._tcp.local.", dnsmessage.TypePTR, func(m *dnsmessage.Message) {
		for range 500 {
			m.Questions = append(m.Questions, m.Questions[0])
		}
	})
	if n := testing.AllocsPerRun(100, func() { s.read(foreign) }); n > 4*maxQuestions {
		t.Errorf("got %.0f allocations for a packet, want up to %d", n, 4*maxQuestions)
	}
}
