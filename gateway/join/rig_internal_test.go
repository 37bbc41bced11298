package join

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"piway/shared/pairing"
	"piway/shared/pki"
	"piway/shared/tell"
	"piway/shared/testlog"
)

// A rig is a server, its log, and a list of invitations that does what the gateway's does.
type rig struct {
	*Server

	t    testing.TB
	said *testlog.Log

	came   atomic.Int64 // requests that came
	mu     sync.Mutex   // guards the fields below
	open   map[[6]byte]*invited
	fail   error // what Join returns, if not nil
	asked  int   // how often Join was called
	from   netip.Addr
	before func()
}

type invited struct {
	name   string
	secret [16]byte
	key    pki.Sum
}

func newRig(t testing.TB) *rig {
	r := &rig{t: t, said: new(testlog.Log), open: map[[6]byte]*invited{}}
	log := tell.New(slog.New(slog.NewTextHandler(r.said, nil)))
	t.Cleanup(log.Close)
	r.Server = New(Config{Join: r.join, Log: log})
	return r
}

func (r *rig) join(from netip.Addr, id [6]byte, secret [16]byte, key pki.Sum) (pairing.Answer, error) {
	if r.before != nil {
		r.before()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	r.from = from
	i := r.open[id]
	switch {
	case r.fail != nil:
		return pairing.Answer{}, r.fail
	case i == nil:
		return pairing.Answer{}, &Refusal{Why: WrongID, Err: errors.New("an unknown id")}
	case i.secret != secret:
		return pairing.Answer{}, &Refusal{Why: WrongSecret, Device: i.name, Err: errors.New("a wrong secret")}
	case i.key != pki.Sum{} && i.key != key:
		return pairing.Answer{}, &Refusal{Why: Used, Device: i.name, Err: errors.New("used, try: invite again")}
	}
	i.key = key
	return pairing.Answer{Device: i.name, ID: "0123456789abcdef0123456789abcdef"}, nil
}

func (r *rig) calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

// invite returns a token for a device.
func (r *rig) invite(name string) pairing.Token {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := byte(len(r.open) + 1)
	token := pairing.Token{ID: [6]byte{n, byte(len(r.open) >> 8)}, Secret: [16]byte{n}}
	r.open[token.ID] = &invited{name: name, secret: token.Secret}
	return token
}

// newKey makes a device's key.
func newKey(t testing.TB) *tls.Certificate {
	t.Helper()
	key, err := pki.MakeDeviceKey(filepath.Join(t.TempDir(), "device.key"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// post is the whole request of a device with a token and a key.
func post(t testing.TB, token pairing.Token, key *tls.Certificate) string {
	t.Helper()
	body, err := pairing.NewRequest(token, key)
	if err != nil {
		t.Fatal(err)
	}
	return request(string(body))
}

func request(body string) string {
	return fmt.Sprintf("POST /join HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// withCSR is a request with a CSR of somebody's own.
func withCSR(t testing.TB, token pairing.Token, csr []byte) string {
	t.Helper()
	body, err := json.Marshal(pairing.Request{
		ID:     base64.RawURLEncoding.EncodeToString(token.ID[:]),
		Secret: base64.RawURLEncoding.EncodeToString(token.Secret[:]),
		CSR:    string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return request(string(body))
}

func csr(t testing.TB, template x509.CertificateRequest, key any) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(nil, &template, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// A got is an answer. Its status is 0 if the connection was closed without one.
type got struct {
	status int
	body   string
	header http.Header
}

// send sends bytes from an address and returns what comes back until the end of the connection.
func (r *rig) send(from, raw string) got {
	r.t.Helper()
	client, served := r.dial(from)
	defer func() { _ = client.Close() }() // the server has closed it
	go func() { _, _ = io.WriteString(client, raw) }()
	g := receive(r.t, client)
	<-served
	return g
}

// dial opens a connection from an address. served is closed when the server has done with it.
func (r *rig) dial(from string) (client net.Conn, served chan struct{}) {
	ours, theirs := net.Pipe()
	served = make(chan struct{})
	go func() {
		defer close(served)
		r.Serve(&of{theirs, &net.TCPAddr{IP: net.ParseIP(from), Port: 40000}}, func() { r.came.Add(1) })
	}()
	return ours, served
}

func receive(t testing.TB, from io.Reader) got {
	t.Helper()
	all, err := io.ReadAll(from)
	if err != nil || len(all) == 0 {
		return got{}
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(all)), nil)
	if err != nil {
		t.Fatalf("%v: %.200q", err, all)
	}
	defer func() { _ = resp.Body.Close() }() // in memory
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Header.Del("Date")
	return got{resp.StatusCode, string(body), resp.Header}
}

// of is a connection from an address.
type of struct {
	net.Conn
	remote net.Addr
}

func (o *of) RemoteAddr() net.Addr { return o.remote }
