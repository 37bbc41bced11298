package broker_test

import (
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"piway/gateway/broker"
)

// The plain port is open while any device needs it, and with it go the connections that came that way.
func TestDoors_plainWhileNeeded(t *testing.T) {
	var plain atomic.Bool
	r, _ := startTLS(t, func(c *broker.Config) { c.Plain = plain.Load })
	if r.Addr() != nil {
		t.Fatal("the plain port is open, and nobody needs it")
	}
	good := login{user: "pi1", password: "hunter-pi1"}
	secure := r.mustLogIn(nil, good)
	for range 3 {
		plain.Store(true)
		r.Look()
		r.Look()
		c := r.connect("pi2")
		addr := r.Addr()
		plain.Store(false)
		r.Look()
		c.wantClosed()
		if conn, err := net.Dial("tcp", addr.String()); err == nil {
			_ = conn.Close()
			t.Error("the plain port is still open")
		}
		secure.wantNothing()
	}
	if open, closed := r.log.Count("devices that speak without TLS are let in"), r.log.Count("that port is closed"); open != 3 || closed != 3 {
		t.Errorf("got log\n%s", r.log)
	}
}

// A plain port that is taken is told once and tried again; TLS goes on.
func TestDoors_plainPortTaken(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r, _ := startTLS(t, func(c *broker.Config) { c.Listen = other.Addr().String() })
	secure := r.mustLogIn(nil, login{user: "pi1", password: "hunter-pi1"})
	r.Look()
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	for r.Addr() == nil { // the system may take a moment
		r.Look()
	}
	r.connect("pi2").wantNothing()
	secure.wantNothing()
	failed := r.log.Count("devices that speak without TLS cannot connect", "is taken by another program", "systemctl stop mosquitto")
	if failed != 1 || r.log.Count("can connect again") != 1 {
		t.Errorf("got log\n%s", r.log)
	}
}

// A TLS port that is taken ends the start, with what to do.
func TestDoors_tlsPortTaken(t *testing.T) {
	r, _ := startTLS(t, nil)
	_, err := broker.Open(t.Context(), broker.Config{
		ListenTLS: r.AddrTLS().String(), Certificate: func() *tls.Certificate { return nil }, Log: slog.New(slog.DiscardHandler),
	})
	if err == nil || !strings.Contains(err.Error(), "broker.listen_tls: ") {
		t.Errorf("got %v", err)
	}
}

// Where devices speak plain already, as after an upgrade, a TLS port that is taken ends nothing: it is told once and
// tried again, and they go on meanwhile.
func TestDoors_tlsPortTaken_besidePlainDevices(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r, _ := startTLS(t, func(c *broker.Config) { c.ListenTLS = other.Addr().String() })
	c := r.connect("pi2")
	if r.AddrTLS() != nil {
		t.Error("TLS is spoken at a port that is another's")
	}
	r.Look()
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	for r.AddrTLS() == nil { // the system may take a moment
		r.Look()
	}
	r.mustLogIn(nil, login{user: "pi1", password: "hunter-pi1"})
	c.wantNothing()
	failed := r.log.Count("devices that speak TLS cannot connect", "is taken by another program", "broker.listen_tls")
	if failed != 1 || r.log.Count("devices that speak TLS can connect") != 1 {
		t.Errorf("got log\n%s", r.log)
	}
}

// What a device may ask for it may ask for at both doors together.
func TestDoors_oneSetOfBounds(t *testing.T) {
	r, _ := startTLS(t, func(c *broker.Config) { c.MaxConnections = 2 })
	r.connect("pi1")
	r.mustLogIn(nil, login{user: "pi2", password: "hunter-pi2"})
	if _, code, err := r.code(nil, login{user: "pi1", password: "hunter-pi1", id: "third"}, nil); err != nil || code != 3 {
		t.Errorf("got code %d, %v, want it refused", code, err)
	}
	c := dial(t, r.Addr())
	c.send(login{user: "pi1", password: "hunter-pi1", id: "third"}.bytes())
	c.want(connack, 0, 3)
}

// A new certificate is shown from the next handshake on.
func TestDoors_newCertificate(t *testing.T) {
	var own atomic.Pointer[tls.Certificate]
	own.Store(newKey(t))
	r, _ := startTLS(t, func(c *broker.Config) { c.Certificate = own.Load })
	for range 2 {
		c := r.mustLogIn(nil, login{user: "pi1", password: "hunter-pi1"})
		if !c.conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Equal(own.Load().Leaf) {
			t.Error("another certificate is shown")
		}
		own.Store(newKey(t))
	}
}

// What was seen of a device is known when it has gone, by which door it came, and as long as the broker runs.
func TestSeen(t *testing.T) {
	r, _ := startTLS(t, nil)
	if s, ok := r.Seen("pi1"); ok {
		t.Errorf("never there: got %+v", s)
	}
	c := r.mustLogIn(nil, login{user: "pi1", password: "hunter-pi1"})
	r.connect("pi2")
	guess := dial(t, r.Addr())
	guess.send(login{user: "pi3", password: "guess"}.bytes())
	guess.want(connack, 0, 5)
	r.Disconnect("pi1")
	c.wantClosed()
	for s, ok := r.Seen("pi1"); !ok || s.Connected; s, ok = r.Seen("pi1") { // it goes in a moment
		if s.Ago > patience {
			t.Fatalf("got %+v", s)
		}
	}
	if s, ok := r.Seen("pi1"); !ok || !s.Secure || s.Host != "127.0.0.1" || s.Ago <= 0 || s.Ago > patience {
		t.Errorf("gone: got %+v, %v", s, ok)
	}
	if s, ok := r.Seen("pi2"); !ok || !s.Connected || s.Secure || s.Ago < 0 || s.Ago > patience {
		t.Errorf("connected: got %+v, %v", s, ok)
	}
	if s, ok := r.Seen("pi3"); ok {
		t.Errorf("not let in: got %+v", s)
	}
	r.connect("pi1") // by the other door
	if s, ok := r.Seen("pi1"); !ok || !s.Connected || s.Secure {
		t.Errorf("again: got %+v, %v", s, ok)
	}
}
