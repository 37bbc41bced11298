package gateway

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"piway/gateway/devices"
	"piway/shared/mqttlink"
	"piway/shared/pairing"
	"piway/shared/pki"
)

// login connects with a name and a password: in clear if cfg is nil.
func (p *place) login(name, password string, cfg *tls.Config) error {
	p.t.Helper()
	opt := mqttlink.Options{ClientID: "thief", Username: name, Password: password}
	if cfg != nil {
		opt.Broker, opt.TLS = "tls://"+p.AddrTLS().String(), cfg
	} else {
		opt.Broker = "tcp://" + p.broker.Addr().String()
	}
	link, err := mqttlink.Connect(p.t.Context(), opt)
	if err == nil {
		link.Close()
	}
	return err
}

// A token is of no use to who comes second, be it before or after its device was revoked; nor after its hour. What was
// written down of the right device's request gets the thief the same answer, and nobody in.
func TestStolen_tokens(t *testing.T) {
	t.Parallel()
	w, p := newPlace(t)
	token, key, thief := p.token("kitchen", false), deviceKey(t), deviceKey(t)
	first, err := joinAs(t, token, key)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := joinAs(t, token, thief); !isRefused(err, http.StatusConflict) {
			t.Errorf("another key: got %v", err)
		}
		if link, err := p.keyLink("kitchen", token.Pin, thief); err == nil {
			link.Close()
			t.Error("the thief is let in")
		}
	}
	if n := p.said.Count("another key came with an invitation that is used", "device=kitchen"); n != 1 {
		t.Errorf("it is told in %d lines:\n%s", n, p.said)
	}
	if again, err := joinAs(t, token, key); err != nil || again.ID != first.ID {
		t.Errorf("the same key: got %+v, %v", again, err)
	}
	if err := p.ask("POST", "/devices/kitchen/revoke"); err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]*tls.Certificate{"the thief": thief, "the revoked one": key} {
		if a, err := joinAs(t, token, k); err == nil {
			t.Errorf("%s joins after the device was revoked: %+v", name, a)
		}
		if link, err := p.keyLink("kitchen", token.Pin, k); err == nil {
			link.Close()
			t.Errorf("%s is let in after the device was revoked", name)
		}
	}

	late := map[string]time.Duration{"hall": 61 * time.Minute, "attic": 59 * time.Minute}
	tokens := map[string]pairing.Token{}
	p = w.again(p, func(l *devices.List) error {
		for name, ago := range late {
			then := devices.Moment{Wall: time.Now().Add(-ago), Right: true, Boot: "the one before"}
			invited, err := l.Invite([]string{name}, false, then)
			if err != nil {
				return err
			}
			tokens[name] = pairing.Token{ID: invited[0].ID, Secret: invited[0].Secret, Pin: token.Pin}
		}
		return nil
	})
	for name := range late {
		found := tokens[name]
		found.Addresses = []string{p.AddrTLS().String()}
		if _, err := joinAs(t, found, deviceKey(t)); isRefused(err, http.StatusGone) != (name == "hall") {
			t.Errorf("%s after %s: got %v", name, late[name], err)
		}
	}
}

// A revoked key stays out with another device's good password, and with the session that it had.
func TestStolen_key(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t)
	password, err := p.AddDevice("cellar", false)
	if err != nil {
		t.Fatal(err)
	}
	token, key := p.token("kitchen", false), deviceKey(t)
	if _, err := joinAs(t, token, key); err != nil {
		t.Fatal(err)
	}
	sessions := map[uint16]*tls.Config{}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := pki.Pinned([]pki.Sum{token.Pin}, key)
		cfg.MaxVersion, cfg.ServerName = version, "gateway"
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(8)
		sessions[version] = cfg
		for range 2 {
			if resumed, err := p.greet(cfg); err != nil || resumed {
				t.Fatalf("%s: got %v, resumed: %t", tls.VersionName(version), err, resumed)
			}
		}
	}
	if err := p.ask("POST", "/devices/kitchen/revoke"); err != nil {
		t.Fatal(err)
	}
	for version, cfg := range sessions {
		if resumed, err := p.greet(cfg); err == nil || resumed {
			t.Errorf("%s: the revoked key is let in, resumed: %t", tls.VersionName(version), resumed)
		}
		if err := p.login("cellar", password, cfg); err == nil {
			t.Errorf("%s: the revoked key is let in with a good password", tls.VersionName(version))
		}
	}
	if err := p.login("cellar", password, pki.Pinned([]pki.Sum{token.Pin}, nil)); err != nil {
		t.Errorf("the password alone: %v", err)
	}
}

// greet logs in as kitchen by TLS, and says whether a session was resumed.
func (p *place) greet(cfg *tls.Config) (resumed bool, err error) {
	p.t.Helper()
	conn, err := (&tls.Dialer{Config: cfg}).DialContext(p.t.Context(), "tcp", p.AddrTLS().String())
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }() // all is read
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	hello := append(mqttText("MQTT"), 4, 2, 0, 60)
	hello = append(hello, mqttText("x")...)
	if _, err := conn.Write(append([]byte{0x10, byte(len(hello))}, hello...)); err != nil {
		return false, err
	}
	answer := make([]byte, 4) // behind a ticket, if there is one
	if _, err := io.ReadFull(bufio.NewReader(conn), answer); err != nil {
		return false, err
	}
	if answer[3] != 0 {
		err = errors.New("not authorised")
	}
	return conn.(*tls.Conn).ConnectionState().DidResume, err
}

// Nobody is talked out of TLS: a password that is for TLS is of no use without, be it right; nor is a key's name.
func TestStolen_passwordInClear(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t, "plug")
	password, err := p.AddDevice("cellar", false)
	if err != nil {
		t.Fatal(err)
	}
	token := p.token("kitchen", false)
	if _, err := joinAs(t, token, deviceKey(t)); err != nil {
		t.Fatal(err)
	}
	for name, password := range map[string]string{"cellar": password, "kitchen": password} {
		if err := p.login(name, password, nil); !errors.Is(err, mqttlink.ErrLogin) {
			t.Errorf("%s in clear: got %v", name, err)
		}
	}
	if err := p.login("cellar", password, pki.Pinned([]pki.Sum{token.Pin}, nil)); err != nil {
		t.Errorf("by TLS: %v", err)
	}
	if n := strings.Count(p.said.String(), "only those of kind plain are let in"); n == 0 {
		t.Errorf("nobody is told why:\n%s", p.said)
	}
}
