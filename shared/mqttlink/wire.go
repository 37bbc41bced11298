package mqttlink

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// wire is the socket below a Link. It remembers the first bytes received, which are the CONNACK.
type wire struct {
	net.Conn

	in *incoming

	mu    sync.Mutex // guards head and taken
	head  []byte
	taken bool
}

func newWire(conn net.Conn) *wire { return &wire{Conn: conn, in: newIncoming(conn)} }

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

// connack returns the return code of the CONNACK, 0 for accepted, -1 if there was none.
func (w *wire) connack() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.head) < 4 || w.head[0] != 0x20 || w.head[1] != 2 { // [MQTT-3.2]: type 2, two bytes follow
		return -1
	}
	return int(w.head[3])
}

// parseBroker splits a broker URL into an address to dial and whether TLS is spoken there.
func parseBroker(broker string) (addr string, secure bool, err error) {
	u, err := url.Parse(broker)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
		return "", false, fmt.Errorf("broker %q: must look like tcp://host:1883 or tls://host:8883", broker)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil && strings.Contains(u.Hostname(), ":") {
		return "", false, fmt.Errorf("broker %q: an IPv6 address needs brackets, as in tcp://[::1]:1883", broker)
	}
	port := ""
	switch u.Scheme {
	case "tcp", "mqtt":
		port = "1883"
	case "tls", "ssl", "mqtts":
		port, secure = "8883", true
	default:
		return "", false, fmt.Errorf("broker %q: unknown scheme %q, use tcp:// or tls://", broker, u.Scheme)
	}
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port)), secure, nil
}

// open dials addr and shakes hands where TLS is spoken. It looks at no proxy setting:
// a gateway on the LAN or a fixed port of AWS is not behind one.
func open(ctx context.Context, addr string, secure bool, cfg *tls.Config) (net.Conn, error) {
	var dialer net.Dialer
	if !secure {
		return dialer.DialContext(ctx, "tcp", addr)
	}
	if cfg == nil {
		cfg = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	d := tls.Dialer{NetDialer: &dialer, Config: cfg}
	return d.DialContext(ctx, "tcp", addr)
}
