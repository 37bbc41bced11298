package pki_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/shared/config"
	"piway/shared/pki"
)

// greet returns how a client's handshake with a server ends. A version of 0 is the newest.
func greet(t *testing.T, server *tls.Certificate, client *tls.Config, version uint16) error {
	t.Helper()
	return meet(t, &tls.Config{Certificates: []tls.Certificate{*server}, MaxVersion: version}, client)
}

// meet is greet with a server's configuration. It is over TCP, whose buffers let either side end when it wants.
func meet(t *testing.T, server, client *tls.Config) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // of the test
		s := tls.Server(conn, server)
		if s.HandshakeContext(ctx) == nil {
			_, _ = s.Read(make([]byte, 1)) // until the client's end
		}
	})
	defer served.Wait()
	defer ln.Close() //nolint:errcheck // of the test
	near, err := (&net.Dialer{}).DialContext(ctx, "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close() //nolint:errcheck // of the test
	c := tls.Client(near, client)
	if err := c.HandshakeContext(ctx); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	// In TLS 1.3 the client has finished before the server judges its certificate.
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("the server's end: %w", err)
	}
	return nil
}

// An issuer makes certificates as somebody else would.
type issuer struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t}
	made := i.issue(func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign })
	i.cert, i.key = made.Leaf, made.PrivateKey.(*ecdsa.PrivateKey) //nolint:forcetypeassert // made below
	return i
}

func (i *issuer) pin() pki.Sum { return pki.SumOfCert(i.cert) }

// issue signs a certificate for the gateway of this issuer, changed, and returns it without a chain.
func (i *issuer) issue(change func(*x509.Certificate)) *tls.Certificate {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	by, signer := c, key
	if i.cert != nil {
		c.DNSNames = []string{pki.ServerName(i.pin())}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		by, signer = i.cert, i.key
	}
	change(c)
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, signer)
	if err != nil {
		i.t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: parsed(i.t, der)}
}

// with returns a certificate with these in its chain.
func with(c *tls.Certificate, chain ...*x509.Certificate) *tls.Certificate {
	next := *c
	next.Certificate = next.Certificate[:1:1]
	for _, cert := range chain {
		next.Certificate = append(next.Certificate, cert.Raw)
	}
	return &next
}

func TestPinned(t *testing.T) {
	us, them := newIssuer(t), newIssuer(t)
	as := func(change func(*x509.Certificate)) *tls.Certificate { return with(us.issue(change), us.cert) }
	same := func(*x509.Certificate) {}
	device, err := pki.MakeDeviceKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	theirs := func(change func(*x509.Certificate)) *tls.Certificate {
		return them.issue(func(c *x509.Certificate) {
			c.DNSNames = []string{pki.ServerName(us.pin())}
			change(c)
		})
	}
	between := us.issue(func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign })
	below := &issuer{t, between.Leaf, between.PrivateKey.(*ecdsa.PrivateKey)}
	own := func(c *x509.Certificate) { c.DNSNames = []string{pki.ServerName(us.pin())} }
	selfSigned := (&issuer{t: t}).issue(func(c *x509.Certificate) {
		c.DNSNames = []string{pki.ServerName(us.pin())}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})

	for name, c := range map[string]struct {
		server *tls.Certificate
		want   string // "" for the gateway
	}{
		"the gateway":       {as(same), ""},
		"more in the chain": {with(us.issue(same), them.cert, us.cert, them.cert), ""},
		"of a time long past": {as(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Unix(1000, 0), time.Unix(2000, 0)
		}), ""},
		"of a time to come": {as(func(c *x509.Certificate) { c.NotBefore = time.Unix(4e9, 0) }), ""},

		"another's":              {with(theirs(same), them.cert), "another authority"},
		"another's, our chain":   {with(theirs(same), us.cert), "signed by unknown authority"},
		"another's, both":        {with(theirs(same), them.cert, us.cert), "signed by unknown authority"},
		"no chain":               {us.issue(same), "another authority"},
		"a device's own":         {device, "another authority"},
		"a device's, our chain":  {with(device, us.cert), "is not a server's"},
		"self-signed, our chain": {with(selfSigned, us.cert), "signed by unknown authority"},
		"a client's": {as(func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}), "is not a server's"},
		"for anything": {as(func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
		}), "is not a server's"},
		"for nothing":    {as(func(c *x509.Certificate) { c.ExtKeyUsage = nil }), "is not a server's"},
		"without names":  {as(func(c *x509.Certificate) { c.DNSNames = nil }), "is not for " + pki.ServerName(us.pin())},
		"another's name": {as(func(c *x509.Certificate) { c.DNSNames = []string{pki.ServerName(them.pin())} }), "is not for"},
		"all names":      {as(func(c *x509.Certificate) { c.DNSNames = []string{"*.piway.internal"} }), "is not for"},
		"only in its CN": {as(func(c *x509.Certificate) {
			c.DNSNames, c.Subject.CommonName = nil, pki.ServerName(us.pin())
		}), "is not for"},
		"an authority":              {as(func(c *x509.Certificate) { c.IsCA = true }), "is an authority's"},
		"through another authority": {with(below.issue(own), between.Leaf, us.cert), "signed by unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				for _, now := range []time.Time{time.Unix(0, 0), {}, time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)} {
					client := pki.Pinned([]pki.Sum{{1}, us.pin()}, nil)
					if !now.IsZero() {
						client.Time = func() time.Time { return now }
					}
					err := greet(t, c.server, client, version)
					if c.want == "" {
						if err != nil {
							t.Errorf("%s in %d: %v", tls.VersionName(version), now.Year(), err)
						}
						continue
					}
					if !errors.Is(err, pki.ErrPin) || !strings.Contains(errText(err), c.want) ||
						!strings.Contains(errText(err), us.pin().String()) || config.Hint(err) == "" {
						t.Errorf("%s in %d: got %v, want ErrPin, %q, the pin and a hint", tls.VersionName(version), now.Year(), err, c.want)
					}
				}
			}
		})
	}
	err = greet(t, with(theirs(same), them.cert), pki.Pinned([]pki.Sum{us.pin()}, nil), 0)
	if !strings.Contains(errText(err), "its authority is "+them.pin().String()+", pinned is "+us.pin().String()) {
		t.Errorf("got %v, want both sums", err)
	}
	if err := greet(t, as(same), pki.Pinned(nil, nil), 0); !errors.Is(err, pki.ErrPin) {
		t.Errorf("without pins: got %v, want ErrPin", err)
	}
	if err := greet(t, as(same), pki.Pinned([]pki.Sum{us.pin()}, nil), tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1: it is spoken")
	}
}

// What Pinned checks does not change behind its back.
func TestPinned_ownCopy(t *testing.T) {
	_, a := authority(t)
	pins := []pki.Sum{{1}}
	client := pki.Pinned(pins, nil)
	pins[0] = a.Pin()
	if err := greet(t, a.Certificate(), client, 0); !errors.Is(err, pki.ErrPin) {
		t.Errorf("got %v, want ErrPin", err)
	}
}

// A device shows its key to its gateway, whatever authorities that asks for, and to nobody else.
func TestPinned_showsItsKey(t *testing.T) {
	_, a := authority(t)
	_, other := authority(t)
	device, err := pki.MakeDeviceKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	asked := x509.NewCertPool()
	asked.AddCert(parsed(t, other.Certificate().Certificate[1]))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, gateway := range []*pki.Authority{a, other} {
			shown := make(chan pki.Sum, 1)
			server := &tls.Config{
				Certificates: []tls.Certificate{*gateway.Certificate()}, MaxVersion: version,
				ClientAuth: tls.RequestClientCert, ClientCAs: asked,
				VerifyConnection: func(s tls.ConnectionState) error {
					if len(s.PeerCertificates) > 0 {
						shown <- pki.SumOfCert(s.PeerCertificates[0])
					}
					return nil
				},
			}
			err := meet(t, server, pki.Pinned([]pki.Sum{a.Pin()}, device))
			select {
			case got := <-shown:
				if err != nil || gateway != a || got != pki.SumOfCert(device.Leaf) {
					t.Errorf("%s: shown %s, %v", tls.VersionName(version), got, err)
				}
			default:
				if gateway == a {
					t.Errorf("%s: shown nothing, %v", tls.VersionName(version), err)
				}
			}
		}
	}
}

func TestServerName(t *testing.T) {
	if got := pki.ServerName(pki.Sum{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xff}); got != "0123456789abcdef.piway.internal" {
		t.Errorf("got %s", got)
	}
}

// requesting is a server that wants to see a key.
func requesting(a *pki.Authority) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{*a.Certificate()}, ClientAuth: tls.RequireAnyClientCert}
}
