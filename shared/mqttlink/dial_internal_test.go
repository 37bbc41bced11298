package mqttlink

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"piway/shared/address"
	"piway/shared/mqttlink/fakebroker"
)

// dialPatience ends a test that would hang; no test waits for it.
const dialPatience = 20 * time.Second

func found(ips ...string) lookup {
	return func(context.Context, string) (all []netip.Addr, err error) {
		for _, ip := range ips {
			all = append(all, netip.MustParseAddr(ip))
		}
		return all, nil
	}
}

var errUnknown = errors.New("nobody knows it")

func unknown(context.Context, string) ([]netip.Addr, error) { return nil, errUnknown }

// A name of the local network is asked for where the system does not know it, and all its addresses are tried.
func TestDialLocal(t *testing.T) {
	t.Parallel()
	_, port, err := net.SplitHostPort(fakebroker.New(t, nil).Addr())
	if err != nil {
		t.Fatal(err)
	}
	at := address.Address{Host: "gateway.local", Port: port}
	for name, tt := range map[string]struct{ first, then lookup }{
		"the system knows it":        {found("127.0.0.1"), nil},
		"the network knows it":       {unknown, found("127.0.0.1")},
		"the second address answers": {unknown, found("127.0.0.9", "127.0.0.1")},
		"an IPv4 as IPv6":            {unknown, found("::ffff:127.0.0.1")},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), dialPatience)
		conn, err := dialLocal(ctx, at, tt.first, tt.then)
		cancel()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = conn.Close() // nothing was sent
	}
}

func TestDialLocal_failures(t *testing.T) {
	t.Parallel()
	at := address.Address{Host: "gateway.local", Port: "1"}
	_, err := dialLocal(t.Context(), at, unknown, unknown)
	var dns *net.DNSError
	if !errors.As(err, &dns) || dns.Name != "gateway.local" || !errors.Is(err, errUnknown) ||
		!strings.Contains(err.Error(), "the system's resolver, and nobody knows it") {
		t.Errorf("got %v, want a name that is unknown, and to whom", err)
	}
	if _, err := dialLocal(t.Context(), at, unknown, found("127.0.0.9", "127.0.0.8")); err == nil ||
		!strings.Contains(err.Error(), "127.0.0.9") {
		t.Errorf("got %v, want the first address's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dialLocal(ctx, at, unknown, found("127.0.0.1")); err == nil {
		t.Error("got a connection after the end was asked for")
	}
}

// What other clients take is taken, up to the socket.
func TestConnect_addresses(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	_, port, err := net.SplitHostPort(b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	for _, broker := range []string{
		"tcp://127.0.0.1:" + port, "mqtt://localhost:" + port + "/", "tcp://[127.0.0.1]:" + port,
		"tcp://[::ffff:127.0.0.1]:" + port,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), dialPatience)
		l, err := Connect(ctx, Options{Broker: broker, ClientID: "c"})
		cancel()
		if err != nil {
			t.Errorf("%s: %v", broker, err)
			continue
		}
		l.Close()
	}
}

// An address with its interface reaches a server there.
func TestConnect_zone(t *testing.T) {
	t.Parallel()
	loopback := ""
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			loopback = i.Name
		}
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "[::1%"+loopback+"]:0")
	if err != nil {
		t.Skipf("no IPv6 on loopback: %v", err)
	}
	b := fakebroker.Serve(t, listener)
	_, port, err := net.SplitHostPort(b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	for _, percent := range []string{"%", "%25"} {
		ctx, cancel := context.WithTimeout(t.Context(), dialPatience)
		l, err := Connect(ctx, Options{Broker: "tcp://[::1" + percent + loopback + "]:" + port, ClientID: "c"})
		cancel()
		if err != nil {
			t.Errorf("%s: %v", percent, err)
			continue
		}
		l.Close()
	}
}

func TestConnect_zone_thatIsNone(t *testing.T) {
	t.Parallel()
	_, err := Connect(t.Context(), Options{Broker: "tcp://[fe80::1%nosuch0]", ClientID: "c"})
	if !errors.Is(err, syscall.EINVAL) {
		t.Skipf("no IPv6 here: %v", err)
	}
	if !strings.Contains(err.Error(), `no network interface "nosuch0"`) {
		t.Errorf("got %v, want the interface that is not there", err)
	}
}

// A server that accepts and says nothing is given up when it should have been reached, for another to be tried.
func TestConnect_reach(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // of a test
	ctx, cancel := context.WithTimeout(t.Context(), connectTimeout/2)
	defer cancel()
	_, err = Connect(ctx, Options{Broker: "tls://" + l.Addr().String(), ClientID: "c", Reach: 50 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		t.Errorf("got %v, and %v of the caller's time", err, ctx.Err())
	}
}
