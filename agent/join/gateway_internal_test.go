package join

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"piway/shared/mqttlink/fakebroker"
	"piway/shared/pairing"
	"piway/shared/pki"
)

const patience = 20 * time.Second

var quiet = slog.New(slog.DiscardHandler)

// A gateway is a small one: it answers requests to join as the tests want, and everything else as a broker.
type gateway struct {
	*fakebroker.Broker

	authority *pki.Authority
	listener  net.Listener
	// answer is asked for each request.
	answer func(w http.ResponseWriter, id [6]byte, secret [16]byte, key pki.Sum)

	cut atomic.Int64 // connections that it lets go of at once

	mu    sync.Mutex
	asked []pki.Sum // keys of the requests
	shown []pki.Sum // keys of the log-ins
}

// newGateway serves with an authority of its own until the test ends.
func newGateway(t testing.TB) *gateway {
	t.Helper()
	authority, err := pki.OpenAuthority(t.TempDir(), []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{authority: authority, listener: l}
	g.answer = func(w http.ResponseWriter, _ [6]byte, _ [16]byte, _ pki.Sum) { g.welcome(w, "kitchen") }
	mqtt := &handed{Listener: l, conns: make(chan net.Conn), done: make(chan struct{})}
	g.Broker = fakebroker.Serve(t, mqtt)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if g.cut.Add(-1) >= 0 {
				_ = c.Close()
				continue
			}
			serving.Go(func() { g.serve(c, mqtt) })
		}
	})
	t.Cleanup(func() { _, _ = l.Close(), mqtt.Close(); serving.Wait() })
	return g
}

func (g *gateway) serve(c net.Conn, mqtt *handed) {
	conn := tls.Server(c, &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert, SessionTicketsDisabled: true,
		Certificates: []tls.Certificate{*g.authority.Certificate()},
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			cfg := &tls.Config{
				MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert,
				Certificates: []tls.Certificate{*g.authority.Certificate()},
			}
			if len(h.SupportedProtos) > 0 && g.answer != nil {
				cfg.NextProtos = []string{pairing.ALPN}
			}
			return cfg, nil
		},
	})
	_ = conn.SetDeadline(time.Now().Add(patience))
	if conn.Handshake() != nil {
		_ = c.Close()
		return
	}
	state := conn.ConnectionState()
	if state.NegotiatedProtocol == pairing.ALPN {
		s := &http.Server{Handler: http.HandlerFunc(g.join), ReadHeaderTimeout: patience}
		one := &handed{Listener: g.listener, conns: make(chan net.Conn, 1), done: make(chan struct{})}
		one.conns <- struct{ net.Conn }{conn} // of a *tls.Conn with this protocol it would know nothing to do
		s.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				_ = one.Close()
			}
		}
		_ = s.Serve(one)
		return
	}
	if len(state.PeerCertificates) > 0 {
		g.mu.Lock()
		g.shown = append(g.shown, pki.SumOfCert(state.PeerCertificates[0]))
		g.mu.Unlock()
	}
	select {
	case mqtt.conns <- conn:
	case <-mqtt.done:
		_ = conn.Close()
	}
}

func (g *gateway) join(w http.ResponseWriter, r *http.Request) {
	id, secret, key, err := pairing.ReadRequest(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != pairing.Path {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	g.mu.Lock()
	g.asked = append(g.asked, key)
	g.mu.Unlock()
	g.answer(w, id, secret, key)
}

// welcome lets a device in.
func (g *gateway) welcome(w http.ResponseWriter, name string) {
	answer(w, pairing.Answer{
		Device: name, ID: "00112233445566778899aabbccddeeff", CA: string(g.authority.PEM()), Addresses: []string{g.Addr()},
	})
}

// keys returns the keys of the requests and of the log-ins so far.
func (g *gateway) keys() (asked, shown []pki.Sum) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]pki.Sum(nil), g.asked...), append([]pki.Sum(nil), g.shown...)
}

// token is one of this gateway's, with addresses in front of its own.
func (g *gateway) token(t testing.TB, id byte, before ...string) string {
	t.Helper()
	text, err := pairing.Token{
		ID: [6]byte{id}, Secret: [16]byte{id}, Pin: g.authority.Pin(), Addresses: append(before, g.Addr()),
	}.String()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// handed is a listener of connections that another has accepted.
type handed struct {
	net.Listener
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (h *handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handed) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

// A machine is one on which to join.
type machine struct {
	dir, config, spool string
	out                bytes.Buffer
}

// newMachine has a configuration with these lines more.
func newMachine(t testing.TB, lines string) *machine {
	t.Helper()
	dir := t.TempDir()
	m := &machine{dir: dir, config: filepath.Join(dir, "etc", "agent.yaml"), spool: filepath.Join(dir, "state")}
	text := "# mine\ncollect:\n  disks: [] # none\n  folder: \"\"\n  temperature: false\nspool:\n  dir: " + m.spool + "\n" + lines
	if err := errors.Join(os.MkdirAll(filepath.Dir(m.config), 0o755), os.WriteFile(m.config, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *machine) join(ctx context.Context, token string) error {
	return Join(ctx, Options{Token: token, Config: m.config, Out: &m.out, Log: quiet})
}
