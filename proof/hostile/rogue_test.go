package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/proof/world"
	"piway/shared/mqttlink/fakebroker"
	"piway/shared/pairing"
	"piway/shared/pki"
	"piway/shared/testlog"
)

// A rogue sits at an address at which an agent looks for its gateway.
type rogue struct {
	name string
	net.Listener

	serve func(c net.Conn) (said []byte) // returns what it was told when nobody listens in

	mu     sync.Mutex
	visits []*heard
}

// heard is what came on a connection: as it was on the wire, and behind TLS.
type heard struct {
	net.Conn

	wire, said []byte
	ended      bool
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.wire = append(h.wire, p[:n]...)
	return n, err
}

// newRogue serves until the test ends.
func newRogue(t *testing.T, name string, serve func(c net.Conn) []byte) *rogue {
	t.Helper()
	return rogueAt(t, name, "127.0.0.1:0", serve)
}

// rogueAt is newRogue at an address.
func rogueAt(t *testing.T, name, addr string, serve func(c net.Conn) []byte) *rogue {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Error(err) // also on a thread of the test's own
		return nil
	}
	r := &rogue{name: name, Listener: l, serve: serve}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			h := &heard{Conn: c}
			r.mu.Lock()
			r.visits = append(r.visits, h)
			r.mu.Unlock()
			all.Go(func() {
				_ = c.SetDeadline(time.Now().Add(patience))
				said := serve(h)
				_ = c.Close() // all was heard
				r.mu.Lock()
				h.said, h.ended = said, true
				r.mu.Unlock()
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return r
}

// await waits until so many visits have ended.
func (r *rogue) await(ctx context.Context, t *testing.T, visits int) {
	t.Helper()
	if err := world.Poll(ctx, "visits of "+r.name, func() (bool, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		n := 0
		for _, h := range r.visits {
			if h.ended {
				n++
			}
		}
		return n >= visits, nil
	}); err != nil {
		t.Fatal(err)
	}
}

// mustKnowNothing says what was told to the rogue beside a greeting and a word of farewell.
func (r *rogue) mustKnowNothing(t *testing.T, secrets ...[]byte) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.visits {
		if !h.ended {
			continue
		}
		if len(h.said) > 0 {
			t.Errorf("%s was told %q", r.name, h.said)
		}
		for _, s := range secrets {
			if bytes.Contains(h.wire, s) {
				t.Errorf("%s has seen %q go by", r.name, s)
			}
		}
		for n, rest := 0, h.wire; len(rest) > 0; n++ {
			if len(rest) < 5 {
				t.Errorf("%s got no record: %x", r.name, rest)
				break
			}
			kind, size := rest[0], int(rest[3])<<8+int(rest[4])
			// Behind the greeting: a ChangeCipherSpec, and an alert, which TLS 1.3 seals.
			if n == 0 && kind != 0x16 || n > 0 && (kind == 0x16 || size > 24) {
				t.Errorf("%s got record %d of type %d and %d bytes", r.name, n, kind, size)
			}
			rest = rest[min(len(rest), 5+size):]
		}
	}
}

// speaking is how a rogue speaks TLS with a certificate.
func speaking(version uint16, chain *tls.Certificate) func(net.Conn) []byte {
	return func(c net.Conn) (said []byte) {
		s := tls.Server(c, &tls.Config{
			Certificates: []tls.Certificate{*chain}, ClientAuth: tls.RequestClientCert, MaxVersion: version,
			NextProtos: nil, MinVersion: tls.VersionTLS12,
		})
		err := s.Handshake()
		for _, cert := range s.ConnectionState().PeerCertificates {
			said = append(said, cert.Raw...)
		}
		if err == nil {
			more, _ := io.ReadAll(s) // until it leaves
			said = append(said, more...)
		}
		return said
	}
}

// answering is how a rogue answers without TLS, whatever it is told.
func answering(what string) func(net.Conn) []byte {
	return func(c net.Conn) []byte {
		if _, err := c.Read(make([]byte, 16<<10)); err == nil {
			_, _ = c.Write([]byte(what)) // it may have left
		}
		_, _ = io.Copy(io.Discard, c) // until it leaves
		return nil                    // what it heard is on the wire
	}
}

// forge signs a server's certificate for a gateway, by any key.
func forge(t *testing.T, key crypto.Signer, name string, by *x509.Certificate, signer crypto.Signer, isCA bool) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
		IsCA: isCA, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if by == nil {
		by = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func authority(t *testing.T) (a *pki.Authority, ca []byte) {
	t.Helper()
	a, err := pki.OpenAuthority(t.TempDir(), []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(a.PEM())
	return a, block.Bytes
}

// rogues are all who are not the gateway with this authority. device is a key that has joined there.
func rogues(t *testing.T, us *pki.Authority, ca []byte, device *tls.Certificate) (all []*rogue) {
	t.Helper()
	them, theirs := authority(t)
	name := pki.ServerName(us.Pin())
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	deviceKey := device.PrivateKey.(crypto.Signer) //nolint:forcetypeassert // an ECDSA key
	own := forge(t, deviceKey, name, nil, deviceKey, true)
	ownCA, err := x509.ParseCertificate(own)
	if err != nil {
		t.Fatal(err)
	}
	as := func(key crypto.PrivateKey, chain ...[]byte) *tls.Certificate {
		return &tls.Certificate{PrivateKey: key, Certificate: chain}
	}
	forged := forge(t, key, name, nil, key, false)
	for name, chain := range map[string]*tls.Certificate{
		"another authority":            them.Certificate(),
		"another with our authority's": as(key, forged, theirs, ca),
		"our authority, not signing":   as(key, forged, ca),
		"a device's certificate":       device,
		"a device's key as a server":   as(deviceKey, forge(t, deviceKey, name, nil, deviceKey, false), ca),
		"a device's key as authority":  as(key, forge(t, key, name, ownCA, deviceKey, false), own, ca),
	} {
		all = append(all, newRogue(t, name, speaking(0, chain)),
			newRogue(t, name+", TLS 1.2", speaking(tls.VersionTLS12, chain)))
	}
	return append(all,
		newRogue(t, "one without TLS", answering("\x20\x02\x00\x00\xd0\x00")), // CONNACK, PINGRESP
		newRogue(t, "one that refuses", answering("\x15\x03\x03\x00\x02\x02\x2a")),
		newRogue(t, "one that asks for plain", answering("HTTP/1.1 426 Upgrade Required\r\n\r\n")),
	)
}

// agentConfig writes the configuration of an agent that looks for its gateway at these addresses, and how it logs in.
func agentConfig(t *testing.T, pin pki.Sum, login string, addrs ...string) (path string) {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf("device: kitchen\ngateway: {address: %q, addresses: %s, pins: [%s], mdns: false, %s}\n"+
		"collect: {disks: [%q], folder: \"\", interval: 200ms, health: false}\nspool: {dir: %q}\n",
		addrs[0], strings.ReplaceAll(fmt.Sprintf("%q", addrs[1:]), " ", ", "), pin, login, dir, filepath.Join(dir, "spool"))
	path = filepath.Join(dir, "agent.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// An agent that finds others where its gateway should be tells them nothing, neither its password nor its key, in
// either version of TLS, and goes on; each is in its log, once. When its gateway is there it reports.
func TestRogues(t *testing.T) {
	agent := world.Built(t).Agent
	us, ca := authority(t)
	dir := t.TempDir()
	device, err := pki.MakeDeviceKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("hush-hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"key", "password"} {
		all := rogues(t, us, ca, device)
		for now := range slices.Chunk(all, 8) { // as many as an agent looks at, beside its gateway
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				beside(t, agent, us, fmt.Sprintf("%s_file: %q", kind, filepath.Join(dir, kind)), now)
				for _, r := range now {
					r.mustKnowNothing(t, []byte("kitchen"), []byte("hush-hush"), device.Leaf.RawSubjectPublicKeyInfo)
				}
			})
		}
	}
}

// beside runs an agent that finds rogues, each twice, and then its gateway.
func beside(t *testing.T, agent string, us *pki.Authority, login string, all []*rogue) {
	t.Helper()
	ports, err := world.FreePorts(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var addrs []string
	for _, r := range all {
		addrs = append(addrs, r.Addr().String())
	}
	log := new(testlog.Log)
	world.Run(t, &world.Process{
		Path: agent, Args: []string{"run", "--config", agentConfig(t, us.Pin(), login, append(addrs, ports...)...)},
		Ready: "agent started", Log: log,
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, r := range all {
		r.await(ctx, t, 2)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", ports[0])
	if err != nil {
		t.Fatal(err)
	}
	ours := fakebroker.Serve(t, tls.NewListener(l, &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{*us.Certificate()},
	}))
	select {
	case <-ours.Publishes:
	case <-ctx.Done():
		t.Errorf("nothing comes to the gateway itself:\n%s", log)
	}
	for _, r := range all {
		told := 1
		if strings.HasPrefix(r.name, "one ") {
			told = 0 // it shows no certificate; what it said is in the error of the round
		}
		if n := log.Count("passed over", "address="+r.Addr().String()+" "); n != told {
			t.Errorf("%s is told of in %d lines, want %d:\n%s", r.name, n, told, log)
		}
	}
	if strings.Contains(log.String(), "hush") {
		t.Error("the password is in the log")
	}
}

// A token is shown to nobody but the gateway that it is of.
func TestRogues_join(t *testing.T) {
	agent := world.Built(t).Agent
	us, ca := authority(t)
	device, err := pki.MakeDeviceKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	all := rogues(t, us, ca, device)
	for now := range slices.Chunk(all, 3) { // as many as a token has
		token := pairing.Token{ID: [6]byte{1}, Secret: [16]byte{2}, Pin: us.Pin()}
		for _, r := range now {
			token.Addresses = append(token.Addresses, r.Addr().String())
		}
		text, err := token.String()
		if err != nil {
			t.Fatal(err)
		}
		config := filepath.Join(t.TempDir(), "agent.yaml")
		if err := os.WriteFile(config, []byte("gateway:\n  mdns: false\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		out, err := exec.CommandContext(ctx, agent, "join", "--config", config, text).CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("try: ")) {
			t.Errorf("got %v\n%s", err, out)
		}
		for _, r := range now {
			r.await(ctx, t, 1)
			r.mustKnowNothing(t)
		}
	}
}
