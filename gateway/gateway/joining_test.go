package gateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/gateway/control"
	"piway/gateway/devices"
	"piway/shared/mqttlink"
	"piway/shared/pairing"
	"piway/shared/pki"
	"piway/shared/testlog"
)

// token is what `invite` prints for a device.
func (p *place) token(name string, replace bool) pairing.Token {
	p.t.Helper()
	var all []devices.Token
	if err := control.Call(p.t.Context(), p.cfg.Data.Dir, "POST", "/invitations",
		devices.Invitees{Names: []string{name}, Replace: replace}, &all); err != nil {
		p.t.Fatal(err)
	}
	token, err := pairing.ParseToken(all[0].Token)
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

func deviceKey(t testing.TB) *tls.Certificate {
	t.Helper()
	key, err := pki.MakeDeviceKey(filepath.Join(t.TempDir(), "device.key"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A refused is an answer that is none of 200.
type refused struct {
	status int
	text   string
}

func (r *refused) Error() string { return fmt.Sprint(r.status, " ", r.text) }

func isRefused(err error, status int) bool {
	r, ok := errors.AsType[*refused](err)
	return ok && r.status == status
}

// joinAs does what an agent does: it proves the gateway by the pin, and shows the token then.
func joinAs(t testing.TB, token pairing.Token, key *tls.Certificate) (pairing.Answer, error) {
	t.Helper()
	cfg := pki.Pinned([]pki.Sum{token.Pin}, nil)
	cfg.MinVersion, cfg.NextProtos = tls.VersionTLS13, []string{pairing.ALPN}
	dialer := tls.Dialer{Config: cfg}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := dialer.DialContext(ctx, "tcp", token.Addresses[0])
	if err != nil {
		return pairing.Answer{}, err
	}
	defer func() { _ = conn.Close() }() // all is read
	if got := conn.(*tls.Conn).ConnectionState().NegotiatedProtocol; got != pairing.ALPN {
		t.Fatalf("speaks %q", got)
	}
	body, err := pairing.NewRequest(token, key)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://gateway"+pairing.Path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := req.Write(conn); err != nil {
		return pairing.Answer{}, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return pairing.Answer{}, err
	}
	defer func() { _ = resp.Body.Close() }() // it is read
	if resp.StatusCode != http.StatusOK {
		text, err := io.ReadAll(resp.Body)
		return pairing.Answer{}, errors.Join(&refused{resp.StatusCode, string(text)}, err)
	}
	return pairing.ReadAnswer(resp.Body, token.Pin)
}

// keyLink connects a device by its key.
func (p *place) keyLink(name string, pin pki.Sum, key *tls.Certificate) (*mqttlink.Link, error) {
	return mqttlink.Connect(p.t.Context(), mqttlink.Options{
		Broker: "tls://" + p.AddrTLS().String(), ClientID: name, Username: name, TLS: pki.Pinned([]pki.Sum{pin}, key),
		KeepAlive: time.Minute,
	})
}

// A line is pasted, and the device is in: by its key alone, over TLS.
func TestGateway_pairs(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t)
	token, key := p.token("kitchen", false), deviceKey(t)
	if len(token.Addresses) != 1 || token.Addresses[0] != p.AddrTLS().String() || token.Pin != p.Pin() {
		t.Fatalf("got %+v", token)
	}
	if _, err := p.keyLink("kitchen", token.Pin, key); err == nil {
		t.Error("it is let in before it has joined")
	}
	a, err := joinAs(t, token, key)
	if err != nil || a.Device != "kitchen" || len(a.Addresses) != 1 || time.Since(a.Time).Abs() > time.Minute {
		t.Fatalf("got %+v, %v", a, err)
	}
	again, err := joinAs(t, token, key)
	if err != nil || again.ID != a.ID {
		t.Errorf("again: got %+v, %v", again, err)
	}
	if n := p.said.Count("action=join", "device=kitchen", "address=127.0.0.1"); n != 1 {
		t.Errorf("%d joins are told:\n%s", n, p.said)
	}
	if p.links["kitchen"], err = p.keyLink("kitchen", token.Pin, key); err != nil {
		t.Fatal(err)
	}
	defer p.links["kitchen"].Close()
	p.report("kitchen", "load", 1) // which returns when it is on disk

	if _, err := joinAs(t, token, deviceKey(t)); !isRefused(err, http.StatusConflict) {
		t.Errorf("another key: got %v", err)
	}
	// It is told before it is answered.
	if p.said.Count("WARN", "another key", "device=kitchen", "address=127.0.0.1") != 1 {
		t.Errorf("the log says:\n%s", p.said)
	}
}

// A new card gets the old name and id; the old key is locked out at once, and for good.
func TestGateway_replaces(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t)
	first, old, fresh := p.token("kitchen", false), deviceKey(t), deviceKey(t)
	a, err := joinAs(t, first, old)
	if err != nil {
		t.Fatal(err)
	}
	link, err := p.keyLink("kitchen", first.Pin, old)
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	second := p.token("kitchen", true)
	if again, err := joinAs(t, second, fresh); err != nil || again.ID != a.ID || again.Device != "kitchen" {
		t.Fatalf("got %+v, %v, want the id %s", again, err, a.ID)
	}
	select {
	case <-link.Lost():
	case <-time.After(10 * time.Second):
		t.Error("the old card stays connected")
	}
	if _, err := p.keyLink("kitchen", first.Pin, old); err == nil {
		t.Error("the old card gets in")
	}
	if _, err := joinAs(t, p.token("attic", false), old); !isRefused(err, http.StatusForbidden) {
		t.Errorf("the old key joins anew: got %v", err)
	}
	fine, err := p.keyLink("kitchen", first.Pin, fresh)
	if err != nil {
		t.Fatal(err)
	}
	fine.Close()
}

// The server is proved before it learns the token, and without TLS 1.3 nobody joins.
func TestGateway_joinsPinned(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t)
	token := p.token("kitchen", false)
	rogue := token
	rogue.Pin[0]++
	if _, err := joinAs(t, rogue, deviceKey(t)); !errors.Is(err, pki.ErrPin) {
		t.Errorf("another pin: got %v", err)
	}
	cfg := pki.Pinned([]pki.Sum{token.Pin}, nil)
	cfg.MaxVersion, cfg.NextProtos = tls.VersionTLS12, []string{pairing.ALPN}
	dialer := tls.Dialer{Config: cfg}
	if conn, err := dialer.DialContext(t.Context(), "tcp", token.Addresses[0]); err == nil {
		_ = conn.Close() // it should not be there
		t.Error("TLS 1.2 is taken")
	}
	wrong := token
	wrong.Secret[0]++
	if _, err := joinAs(t, wrong, deviceKey(t)); !isRefused(err, http.StatusUnauthorized) ||
		!strings.Contains(err.Error(), "try: piway-gateway invite") {
		t.Errorf("a wrong secret: got %v", err)
	}
	if a, err := joinAs(t, token, deviceKey(t)); err != nil || a.Device != "kitchen" {
		t.Errorf("the right one: got %+v, %v", a, err)
	}
}

// Whoever only connects and holds on is in nobody's way.
func TestGateway_joinsBesideSilent(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t)
	token := p.token("kitchen", false)
	cfg := pki.Pinned([]pki.Sum{token.Pin}, nil)
	cfg.MinVersion, cfg.NextProtos = tls.VersionTLS13, []string{pairing.ALPN}
	for range 40 {
		dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: cfg}
		if conn, err := dialer.DialContext(t.Context(), "tcp", token.Addresses[0]); err == nil {
			defer func() { _ = conn.Close() }()
		}
	}
	if _, err := joinAs(t, token, deviceKey(t)); err != nil {
		t.Error(err)
	}
}

// What the local network is told is where TLS is spoken, and the pin. Who listens on loopback only is told of to nobody.
func TestAnnounce(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]int{"127.0.0.1": 0, "::1": 0, "::": 1, "192.168.1.7": 1} {
		pin, told, said := pki.Sum{1, 2, 3, 4, 5, 6, 7, 8, 9}, 0, new(testlog.Log)
		announce(t.Context(), func(_ context.Context, port int, pin8 [8]byte, _ *slog.Logger) error {
			if told++; port != 8884 || pin8 != [8]byte{1, 2, 3, 4, 5, 6, 7, 8} {
				t.Errorf("got port %d, pin %x", port, pin8)
			}
			return errors.New("no network")
		}, &net.TCPAddr{IP: net.ParseIP(listen), Port: 8884}, pin, slog.New(slog.NewTextHandler(said, nil)))
		if told != want || said.Count("not announced", "no network") != want {
			t.Errorf("%s: told %d times, want %d; the log says:\n%s", listen, told, want, said)
		}
	}
}
