package join

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/shared/pairing"
	"piway/shared/pki"
)

const pi, guest = "192.168.1.20", "192.168.1.66"

func TestServe_joins(t *testing.T) {
	r, key := newRig(t), newKey(t)
	token := r.invite("kitchen")
	g := r.send(pi, post(t, token, key))
	var a pairing.Answer
	if err := json.Unmarshal([]byte(g.body), &a); err != nil || g.status != 200 || a.Device != "kitchen" || len(a.ID) != 32 {
		t.Fatalf("got %+v, %v", g, err)
	}
	if r.open[token.ID].key != pki.SumOfCert(key.Leaf) {
		t.Error("another key joined")
	}
	if r.from.String() != pi || g.header.Get("Content-Type") != "application/json" || r.said.String() != "" {
		t.Errorf("%s asked; got %v; the log says:\n%s", r.from, g.header, r.said)
	}
}

// The answer may be lost in a power cut: who asks again with the same key gets it again, and nobody else does.
func TestServe_replay(t *testing.T) {
	r, key := newRig(t), newKey(t)
	token := r.invite("kitchen")
	first := r.send(pi, post(t, token, key))
	if again := r.send(pi, post(t, token, key)); !reflect.DeepEqual(again, first) {
		t.Errorf("got %+v, then %+v", first, again)
	}
	if g := r.send(guest, post(t, token, newKey(t))); g.status != 409 || !strings.Contains(g.body, "used, try: invite again") {
		t.Errorf("another key: got %+v", g)
	}
	if r.said.Count("WARN", "another key", "device=kitchen", "address="+guest, "device revoke kitchen") != 1 {
		t.Errorf("the log says:\n%s", r.said)
	}
	if again := r.send(pi, post(t, token, key)); !reflect.DeepEqual(again, first) {
		t.Errorf("after another key: got %+v", again)
	}
}

func TestServe_refuses(t *testing.T) {
	r, key := newRig(t), newKey(t)
	token := r.invite("kitchen")
	good := post(t, token, key)
	_, body, _ := strings.Cut(good, "\r\n\r\n")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	forged := csr(t, x509.CertificateRequest{}, key.PrivateKey)
	forged[len(forged)-1] ^= 1
	long := strings.Repeat("x", pairing.MaxBody+1)
	for name, tt := range map[string]struct {
		raw    string
		status int
		says   string
	}{
		"a long body":           {request(long), 413, "4096 bytes"},
		"a long body in chunks": {"POST /join HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n1001\r\n" + long + "\r\n0\r\n\r\n", 413, "4096 bytes"},
		"a long header":         {"POST /join HTTP/1.1\r\nHost: g\r\nX: " + strings.Repeat("x", 16<<10) + "\r\n\r\n", 431, ""},
		"GET":                   {"GET /join HTTP/1.1\r\nHost: g\r\n\r\n", 405, "POST"},
		"PUT":                   {strings.Replace(good, "POST", "PUT", 1), 405, "POST"},
		"OPTIONS":               {"OPTIONS * HTTP/1.1\r\nHost: g\r\n\r\n", 404, "/join"},
		"another path":          {strings.Replace(good, "/join", "/devices", 1), 404, "/join"},
		"a path behind":         {strings.Replace(good, "/join", "/join/", 1), 404, "/join"},
		"HTTP/1.0":              {strings.Replace(good, "HTTP/1.1", "HTTP/1.0", 1), 505, "HTTP/1.1"},
		"HTTP/2":                {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/1.1"},
		"HTTP/2 by an upgrade":  {strings.Replace(good, "\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 1), 200, ""},
		"no HTTP":               {"\x10\x12\x00\x04MQTT\x04\x02\x00\x3c\x00\x06client\r\n\r\n", 400, ""},
		"no JSON":               {request("{"), 400, "JSON"},
		"nothing":               {request(""), 400, "JSON"},
		"a token of no length":  {request(`{"id":"","secret":"","csr":""}`), 400, "id"},
		"no CSR":                {request(strings.Replace(body, "BEGIN", "begin", 1)), 400, "csr"},
		"a forged CSR":          {withCSR(t, token, forged), 400, "not signed"},
		"an RSA key":            {withCSR(t, token, csr(t, x509.CertificateRequest{}, rsaKey)), 400, "P-256 or Ed25519"},
		"a P-384 key":           {withCSR(t, token, csr(t, x509.CertificateRequest{}, p384)), 400, "P-256 or Ed25519"},
	} {
		before := r.calls()
		g := r.send("10.0.0."+fmt.Sprint(len(name)), tt.raw)
		if g.status != tt.status || !strings.Contains(g.body, tt.says) {
			t.Errorf("%s: got %d %q, want %d with %q", name, g.status, g.body, tt.status, tt.says)
		}
		if asked := r.calls() - before; asked != 0 && tt.status != 200 {
			t.Errorf("%s: was judged", name)
		}
		if strings.Contains(r.said.String()+g.body, body[20:40]) {
			t.Errorf("%s: the secret is shown", name)
		}
		r.limits = newLimits(time.Now)
	}
	if n := r.said.Count("join refused"); n < 10 {
		t.Errorf("%d refusals are told:\n%s", n, r.said)
	}
}

// Only the key of a CSR counts: it may say whatever name.
func TestServe_anotherName(t *testing.T) {
	r, key := newRig(t), newKey(t)
	token := r.invite("kitchen")
	named := csr(t, x509.CertificateRequest{Subject: pkix.Name{CommonName: "garage"}, DNSNames: []string{"garage"}},
		key.PrivateKey)
	g := r.send(pi, withCSR(t, token, named))
	if g.status != 200 || !strings.Contains(g.body, `"kitchen"`) || strings.Contains(g.body, "garage") {
		t.Errorf("got %+v", g)
	}
}

// What fails at the gateway is no fault of the device.
func TestServe_failed(t *testing.T) {
	r := newRig(t)
	token := r.invite("kitchen")
	r.fail = errors.New("/var/lib/piway/devices.json: no space left on device")
	g := r.send(pi, post(t, token, newKey(t)))
	if g.status != 503 || g.header.Get("Retry-After") != "5" || strings.Contains(g.body, "/var") {
		t.Errorf("got %+v", g)
	}
	if r.said.Count("ERROR", "no space left") != 1 {
		t.Errorf("the log says:\n%s", r.said)
	}
	r.fail = nil
	if g := r.send(pi, post(t, token, newKey(t))); g.status != 200 {
		t.Errorf("afterwards: got %+v", g)
	}
}

func TestServe_panics(t *testing.T) {
	r := newRig(t)
	r.before = func() { panic("a mistake") }
	if g := r.send(pi, post(t, r.invite("kitchen"), newKey(t))); g.status != 0 {
		t.Errorf("got %+v", g)
	}
	if r.said.Count("ERROR", "a mistake") != 1 {
		t.Errorf("the log says:\n%s", r.said)
	}
}

func TestWhy(t *testing.T) {
	r := newRig(t)
	for why := WrongID; why <= NameTaken; why++ {
		r.fail = fmt.Errorf("wrapped: %w", &Refusal{Why: why, Err: errors.New("the list's own words")})
		g := r.send(pi, post(t, pairing.Token{}, newKey(t)))
		if g.status != statuses[why] || strings.Contains(g.body, "own words") == (g.status == 401) || why.String() == "" {
			t.Errorf("%s: got %+v", why, g)
		}
	}
}

// Who is slow is closed, and what he sent is not judged.
func TestServe_slow(t *testing.T) {
	good := post(t, pairing.Token{}, newKey(t))
	for name, raw := range map[string]string{
		"silent": "", "in the header": good[:20], "before the body": good[:strings.Index(good, "{")], "in the body": good[:len(good)-1],
	} {
		for what, shorten := range map[string]func(*Server){
			"read":  func(s *Server) { s.http.ReadTimeout, s.http.ReadHeaderTimeout = time.Millisecond, time.Millisecond },
			"whole": func(s *Server) { s.whole = time.Millisecond },
		} {
			r := newRig(t)
			shorten(r.Server)
			client, served := r.dial(pi)
			go func() { _, _ = io.WriteString(client, raw) }()
			g := receive(t, client)
			if <-served; r.calls() != 0 || g.status == 200 {
				t.Errorf("%s, %s: got %+v", name, what, g)
			}
			if len(r.places.open) != 0 || r.said.Count("join refused", pi) != 1 {
				t.Errorf("%s, %s: %d places are held, the log says:\n%s", name, what, len(r.places.open), r.said)
			}
		}
	}
}

// Serve returns when nothing is under way: the wiring closes the list after it.
func TestServe_waitsForJoin(t *testing.T) {
	r := newRig(t)
	came, goOn := make(chan struct{}), make(chan struct{})
	r.before = func() { close(came); <-goOn }
	client, served := r.dial(pi)
	go func() { _, _ = io.WriteString(client, post(t, r.invite("kitchen"), newKey(t))) }()
	select {
	case <-came:
	case <-served:
		t.Fatal("returned before Join was called")
	}
	_ = client.Close()
	select {
	case <-served:
		t.Error("returned while Join was under way")
	default:
	}
	close(goOn)
	if <-served; r.calls() != 1 {
		t.Error("Join was cut off")
	}
}

// A flat of 300 behind one address joins at once: right tokens are not counted.
func TestServe_many(t *testing.T) {
	r, key := newRig(t), newKey(t)
	var all sync.WaitGroup
	for i := range 300 {
		raw := post(t, r.invite(fmt.Sprintf("pi-%d", i)), key)
		all.Go(func() {
			for {
				// More than have room at once may be sent away, and ask again.
				if g := r.send(pi, raw); g.status == 200 {
					return
				} else if g.status != 503 && g.status != 0 {
					t.Errorf("device %d: got %+v", i, g)
					return
				}
			}
		})
	}
	all.Wait()
	for _, i := range r.open {
		if i.key != pki.SumOfCert(key.Leaf) {
			t.Errorf("%s has not joined", i.name)
		}
	}
	if g := r.send(pi, post(t, pairing.Token{ID: [6]byte{9, 9, 9}}, key)); g.status != 401 {
		t.Errorf("the first wrong token: got %+v", g)
	}
}
