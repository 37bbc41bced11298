package mqttlink

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"

	paho "github.com/eclipse/paho.mqtt.golang"

	"piway/shared/address"
)

// wire is the socket below a Link. It remembers the first bytes received, which are the CONNACK.
type wire struct {
	net.Conn

	in   *incoming
	keep keepAlive

	mu    sync.Mutex // guards head and taken
	head  []byte
	taken bool
}

func newWire(conn net.Conn) *wire {
	w := &wire{Conn: conn, in: newIncoming(conn)}
	w.in.came = w.keep.hasReceived
	w.keep.ping = func() { _, _ = w.Write([]byte{typePingreq << 4, 0}) } // the next read tells what is wrong
	return w
}

// take hands the socket to paho, once: a second connection would belong to another Link.
func (w *wire) take(*url.URL, paho.ClientOptions) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken {
		return nil, errors.New("link already used")
	}
	w.taken = true
	return w, nil
}

// Read reads from the socket and keeps the first four bytes.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.in.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	if missing := 4 - len(w.head); missing > 0 {
		w.head = append(w.head, p[:min(n, missing)]...)
	}
	return n, err
}

// Write sends one packet, which is how the library writes. Its CONNECT gets the keep-alive that the library does not
// know of.
func (w *wire) Write(p []byte) (int, error) {
	if len(p) > 0 && p[0]>>4 == typeConnect {
		p = w.keep.inConnect(p)
	}
	n, err := w.Conn.Write(p)
	w.keep.hasSent()
	return n, err
}

// connack returns the return code of the CONNACK, 0 for accepted, -1 if there was none.
func (w *wire) connack() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.head) < 4 || w.head[0] != 0x20 || w.head[1] != 2 { // [MQTT-3.2]: type 2, two bytes follow
		return -1
	}
	return int(w.head[3])
}

// open dials a and shakes hands where TLS is spoken. It looks at no proxy setting:
// a gateway on the LAN or a fixed port of AWS is not behind one.
func open(ctx context.Context, dial Dialer, a address.Address, secure bool, cfg *tls.Config) (net.Conn, error) {
	conn, err := dial(ctx, a)
	if err != nil || !secure {
		return conn, err
	}
	if cfg == nil {
		cfg = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	cfg = cfg.Clone()
	cfg.ServerName, _, _ = strings.Cut(cmp.Or(cfg.ServerName, a.Host), "%") // no certificate is for an interface
	over := tls.Client(conn, cfg)
	if err := over.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake's error is the one to tell
		return nil, err
	}
	return over, nil
}
