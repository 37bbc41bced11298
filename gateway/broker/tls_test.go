package broker_test

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/gateway/broker"
	"piway/shared/testlog"
)

// A keyring is who is who by key, as the device list says.
type keyring struct {
	mu      sync.Mutex
	devices map[[32]byte]string
	revoked map[[32]byte]bool
}

func (k *keyring) identify(key [32]byte) (device string, revoked bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.devices[key], k.revoked[key]
}

// set makes a certificate's key a device's.
func (k *keyring) set(c *tls.Certificate, device string, revoked bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := sha256.Sum256(c.Leaf.RawSubjectPublicKeyInfo)
	k.devices[key], k.revoked[key] = device, revoked
}

// selfSigned returns a certificate of a key, as no authority of the broker's has signed it.
func selfSigned(t testing.TB, key crypto.Signer) *tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "anybody"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0), // nobody looks
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func newKey(t testing.TB) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return selfSigned(t, key)
}

// startTLS is startPlain of a broker with a TLS door, which knows keys.
func startTLS(t testing.TB, change func(*broker.Config)) (*rig, *keyring) {
	t.Helper()
	keys := &keyring{devices: map[[32]byte]string{}, revoked: map[[32]byte]bool{}}
	own, log := newKey(t), new(testlog.Log)
	r := start(t, func(c *broker.Config) {
		c.ListenTLS, c.Certificate = "127.0.0.1:0", func() *tls.Certificate { return own }
		c.Identify = keys.identify
		c.Log = slog.New(slog.NewTextHandler(log, nil))
		if change != nil {
			change(c)
		}
	})
	r.log = log
	return r, keys
}

// dialTLS shakes hands; cert and change may be nil.
func (r *rig) dialTLS(cert *tls.Certificate, change func(*tls.Config)) (*client, error) {
	r.t.Helper()
	cfg := &tls.Config{InsecureSkipVerify: true}
	if cert != nil {
		cfg.Certificates = []tls.Certificate{*cert}
	}
	if change != nil {
		change(cfg)
	}
	c := dial(r.t, r.AddrTLS())
	conn := tls.Client(c.conn, cfg)
	return &client{r.t, conn, bufio.NewReader(conn)}, conn.HandshakeContext(r.t.Context())
}

// code logs in by TLS and returns the CONNACK's code.
func (r *rig) code(cert *tls.Certificate, l login, change func(*tls.Config)) (*client, byte, error) {
	r.t.Helper()
	c, err := r.dialTLS(cert, change)
	if err != nil {
		return c, 0, err
	}
	if _, err := c.conn.Write(l.bytes()); err != nil {
		return c, 0, err
	}
	kind, body, err := c.read()
	if err == nil && (kind != connack || len(body) != 2) {
		err = errors.New("no CONNACK")
	}
	if err != nil {
		return c, 0, err
	}
	return c, body[1], nil
}

// mustLogIn returns a client that is let in.
func (r *rig) mustLogIn(cert *tls.Certificate, l login) *client {
	r.t.Helper()
	c, code, err := r.code(cert, l, nil)
	if err != nil || code != 0 {
		r.t.Fatalf("got code %d, %v", code, err)
	}
	return c
}

func only12(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }

// Who a client is its key says, if the list knows that, else user name and password.
func TestTLS_identity(t *testing.T) {
	r, keys := startTLS(t, nil)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	known, ed, foreign := newKey(t), selfSigned(t, edKey), selfSigned(t, rsaKey)
	keys.set(known, "keyed", false)
	keys.set(ed, "edwards", false)
	good, bad, none := login{user: "pi1", password: "hunter-pi1"}, login{user: "pi1", password: "guess"}, login{id: "x"}
	for name, tt := range map[string]struct {
		cert   *tls.Certificate
		login  login
		code   byte
		device string
	}{
		"key":                             {known, none, 0, "keyed"},
		"key and its name":                {known, login{user: "keyed"}, 0, "keyed"},
		"key and a wrong password":        {known, bad, 0, "keyed"},
		"key and another's password":      {known, good, 0, "keyed"},
		"Ed25519":                         {ed, none, 0, "edwards"},
		"foreign certificate, password":   {foreign, good, 0, "pi1"},
		"foreign certificate":             {foreign, none, 5, ""},
		"foreign certificate, a name":     {foreign, login{user: "keyed"}, 5, ""},
		"foreign certificate, a guess":    {foreign, bad, 5, ""},
		"unknown key":                     {newKey(t), none, 5, ""},
		"password":                        {nil, good, 0, "pi1"},
		"wrong password":                  {nil, bad, 5, ""},
		"nothing":                         {nil, none, 5, ""},
		"a name of a device with a key":   {nil, login{user: "keyed"}, 5, ""},
		"a key's device with no password": {nil, login{user: "keyed", password: "x"}, 5, ""},
	} {
		for version, change := range map[string]func(*tls.Config){"1.3": nil, "1.2": only12} {
			c, code, err := r.code(tt.cert, tt.login, change)
			if err != nil || code != tt.code {
				t.Errorf("%s, TLS %s: got code %d, %v, want %d", name, version, code, err, tt.code)
				continue
			}
			if code != 0 {
				c.wantClosed()
				continue
			}
			c.send(publishPacket("raspi/metrics", name, 1, 7))
			d := r.next()
			if d.device != tt.device || d.payload != name {
				t.Errorf("%s, TLS %s: handled %q of %s", name, version, d.payload, d.device)
			}
			d.done(nil)
			c.want(puback, 0, 7)
		}
	}
}

// A revoked key is refused in the handshake, whatever its password.
func TestTLS_revokedKey(t *testing.T) {
	r, keys := startTLS(t, nil)
	for version, change := range map[string]func(*tls.Config){"1.3": nil, "1.2": only12} {
		stolen := newKey(t)
		keys.set(stolen, "pi1", true)
		good := login{user: "pi1", password: "hunter-pi1"}
		for range 3 {
			if _, code, err := r.code(stolen, good, change); err == nil || !strings.Contains(err.Error(), "bad certificate") {
				t.Errorf("TLS %s: got code %d, %v, want the handshake refused", version, code, err)
			}
		}
	}
	r.wantNone()
	if n := r.log.Count("its key is revoked", "device=pi1", "remote=127.0.0.1:"); n != 1 {
		t.Errorf("told %d times in\n%s", n, r.log)
	}
}

// What a renamed device's agent sends to its old topics is the device's, and acknowledged; a name that is none is not
// taken for topics.
func TestTLS_renamedDevice(t *testing.T) {
	r, keys := startTLS(t, func(c *broker.Config) { c.Settings = func(string) []byte { return []byte("{}") } })
	key := newKey(t)
	keys.set(key, "pantry", false)
	var all []*client
	for user, name := range map[string]string{"kitchen": "kitchen", "": "pantry", "+": "pantry", "a/b": "pantry"} {
		c := r.mustLogIn(key, login{user: user, id: "x" + user})
		c.send(subscribePacket("pi/" + name + "/rejected"))
		c.want(suback, 0, 9, 1)
		c.send(publishPacket("pi/"+name+"/samples", "reading", 1, 7))
		d := r.next()
		if d.device != "pantry" {
			t.Errorf("%s: handled as of %s", user, d.device)
		}
		d.done(nil)
		c.want(puback, 0, 7)
		r.Reject("pantry", []byte("why"))
		c.want(publish, append(text("pi/"+name+"/rejected"), "why"...)...)
		c.send(packet(0xA2, append([]byte{0, 9}, text("pi/"+name+"/rejected")...))) // UNSUBSCRIBE
		c.want(11, 0, 9)
		all = append(all, c)
	}
	r.Disconnect("pantry")
	for _, c := range all {
		c.wantClosed()
	}
}

// A key is looked at again when its CONNECT comes, and once more when a Disconnect would find its session: it may be
// revoked, removed or renamed meanwhile.
func TestTLS_changedWhileConnecting(t *testing.T) {
	type answer struct {
		device  string
		revoked bool
	}
	good := login{user: "pi1", password: "hunter-pi1"}
	for name, tt := range map[string]struct {
		handshake, connect, after answer
		closed                    bool
		code                      byte
	}{
		"revoked":           {answer{"pi1", false}, answer{"pi1", true}, answer{"pi1", true}, false, 5},
		"removed":           {answer{"pi1", false}, answer{"pi1", false}, answer{"", false}, true, 0},
		"revoked at last":   {answer{"pi1", false}, answer{"pi1", false}, answer{"pi1", true}, true, 0},
		"renamed":           {answer{"pi1", false}, answer{"pi1", false}, answer{"pi2", false}, true, 0},
		"nothing":           {answer{"pi1", false}, answer{"pi1", false}, answer{"pi1", false}, false, 0},
		"known only lately": {answer{"", false}, answer{"pi2", false}, answer{"pi2", false}, false, 0},
	} {
		answers := []answer{tt.handshake, tt.connect, tt.after}
		r, _ := startTLS(t, func(c *broker.Config) {
			c.Identify = func([32]byte) (string, bool) {
				a := answers[0]
				answers = answers[1:]
				return a.device, a.revoked
			}
		})
		_, code, err := r.code(newKey(t), good, nil)
		if (err != nil) != tt.closed || code != tt.code {
			t.Errorf("%s: got code %d, %v", name, code, err)
		}
	}
}

// What was spoken before TLS 1.2 is refused, and no session is resumed: that would not look at the key again.
func TestTLS_oldVersionsAndResumption(t *testing.T) {
	r, keys := startTLS(t, nil)
	_, err := r.dialTLS(nil, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1: got %v", err)
	}
	key := newKey(t)
	keys.set(key, "pi1", false)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cache := tls.NewLRUClientSessionCache(1)
		for range 3 {
			c, code, err := r.code(key, login{id: "x"}, func(c *tls.Config) {
				c.MaxVersion, c.ClientSessionCache, c.ServerName = version, cache, "gateway"
			})
			if err != nil || code != 0 {
				t.Fatalf("got code %d, %v", code, err)
			}
			if c.conn.(*tls.Conn).ConnectionState().DidResume {
				t.Errorf("%s: resumed", tls.VersionName(version))
			}
		}
		if s, ok := cache.Get("gateway"); ok && s != nil {
			t.Errorf("%s: got a ticket", tls.VersionName(version))
		}
	}
}

// Who offers protocols that others invented speaks MQTT; who offers ours gets to Join, by TLS 1.3 only.
func TestTLS_protocols(t *testing.T) {
	joined := make(chan uint16, 10)
	r, _ := startTLS(t, func(c *broker.Config) {
		c.Join = func(conn net.Conn, _ func()) {
			joined <- conn.(*tls.Conn).ConnectionState().Version
			_, _ = io.Copy(conn, conn)
		}
	})
	offer := func(names ...string) func(*tls.Config) { return func(c *tls.Config) { c.NextProtos = names } }
	good := login{user: "pi1", password: "hunter-pi1"}
	for _, names := range [][]string{{"mqtt"}, {"x-amzn-mqtt-ca"}, {"h2", "http/1.1"}} {
		if _, code, err := r.code(nil, good, offer(names...)); err != nil || code != 0 {
			t.Errorf("%v: got code %d, %v", names, code, err)
		}
	}
	c, err := r.dialTLS(nil, offer("piway-join/1"))
	if err != nil {
		t.Fatal(err)
	}
	c.send([]byte("hello"))
	got := make([]byte, 5)
	if _, err := io.ReadFull(c.conn, got); err != nil || string(got) != "hello" || <-joined != tls.VersionTLS13 {
		t.Errorf("got %q, %v", got, err)
	}
	if n := r.Counts().Waiting; n != 1 {
		t.Errorf("%d wait, want who joins", n)
	}
	_, err = r.dialTLS(nil, func(c *tls.Config) { c.NextProtos = []string{"piway-join/1"}; only12(c) })
	if err == nil {
		t.Error("joining by TLS 1.2 is let in")
	}

	none, _ := startTLS(t, nil)
	c, err = none.dialTLS(nil, offer("piway-join/1"))
	if err != nil || c.conn.(*tls.Conn).ConnectionState().NegotiatedProtocol != "" {
		t.Errorf("nobody joins: got %v and a protocol", err)
	}
}

// Each door tells what to do when the other one's language is spoken.
func TestTLS_wrongDoor(t *testing.T) {
	r, _ := startTLS(t, nil)
	c := dial(t, r.AddrTLS())
	c.send(login{user: "pi1", password: "hunter-pi1"}.bytes())
	c.wantClosed()
	conn := tls.Client(dial(t, r.Addr()).conn, &tls.Config{InsecureSkipVerify: true})
	if err := conn.HandshakeContext(t.Context()); err == nil {
		t.Error("TLS is spoken on the plain port")
	}
	_, port, _ := net.SplitHostPort(r.AddrTLS().String())
	r.wantLog(1500, "devices that speak without TLS are let in",
		"MQTT without TLS is spoken to a TLS port", `TLS is spoken to a plain port" try="port `+port)
	if got := r.log.String(); !strings.Contains(got, "try=\"TLS on the device, with the certificate that piway-gateway ca") {
		t.Errorf("got log\n%s", got)
	}
}

// Authenticate knows by which door a password came.
func TestTLS_secureIsTold(t *testing.T) {
	r, _ := startTLS(t, func(c *broker.Config) {
		c.Authenticate = func(_, password string, secure bool) bool { return secure == (password == "tls") }
	})
	r.mustLogIn(nil, login{user: "pi1", password: "tls"})
	c := dial(t, r.Addr())
	c.send(login{user: "pi1", password: "tls"}.bytes())
	c.want(connack, 0, 5)
	if n := r.log.Count("wrong user name or password", "only those of kind plain"); n != 1 {
		t.Errorf("got log\n%s", r.log)
	}
	r.connectAs(login{user: "pi2", password: "plain"})
	if s, ok := r.Seen("pi1"); !ok || !s.Connected || !s.Secure || s.Host != "127.0.0.1" {
		t.Errorf("got %+v, %v", s, ok)
	}
	if s, ok := r.Seen("pi2"); !ok || !s.Connected || s.Secure {
		t.Errorf("got %+v, %v", s, ok)
	}
}
