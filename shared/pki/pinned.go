package pki

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"piway/shared/config"
)

// ErrPin is what a handshake fails with if the server is not proved to be the gateway: somebody else answers at its
// address, or it has another authority by now.
var ErrPin = errors.New("this is not the gateway that was paired with")

// ServerName is the name that the certificate of a gateway with this pin has beside its addresses, and the one that is
// asked for: `0123456789abcdef.piway.internal`, the first 16 digits of the pin. No DNS knows it.
func ServerName(pin Sum) string {
	const digits = 16
	return pin.String()[:digits] + ".piway.internal"
}

// Pinned is the client side of a connection to a gateway that is known by its pin, at whatever address and whatever
// the clock says: TLS 1.2 or newer, and a handshake succeeds only with a server that holds the key of a certificate
//
//   - that an authority with one of these pins has signed, which the server sends along,
//   - for ServerName of that pin,
//   - for servers (extended key usage serverAuth), and for no authority.
//
// Another server gets ErrPin, before it gets anything else. Without pins that is every server. Addresses and times of
// validity are not looked at, nor this machine's trusted roots. client is shown if the server asks, and may be nil.
func Pinned(pins []Sum, client *tls.Certificate) *tls.Config {
	pins = slices.Clone(pins)
	c := &tls.Config{
		MinVersion: tls.VersionTLS12,
		// Go would check name, roots and times: see VerifyConnection, which is called in any case.
		InsecureSkipVerify: true, //nolint:gosec // as above
		VerifyConnection:   func(s tls.ConnectionState) error { return proved(pins, s.PeerCertificates) },
	}
	if client != nil {
		// Not Certificates, of which Go sends none, without a word, if it thinks that the server would not take it.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return client, nil }
	}
	return c
}

// proved returns nil if a chain, the server's own certificate first, is that of a gateway with one of the pins.
func proved(pins []Sum, chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return unproved(pins, nil, errors.New("it shows no certificate"))
	}
	for _, ca := range chain[1:] {
		if pin := SumOfCert(ca); slices.Contains(pins, pin) {
			if err := vouched(chain[0], ca, pin); err != nil {
				return unproved(pins, ca, err)
			}
			return nil
		}
	}
	return unproved(pins, chain[len(chain)-1], errors.New("it has another authority"))
}

// vouched returns nil if the authority says that leaf is its gateway's.
func vouched(leaf, ca *x509.Certificate, pin Sum) error {
	switch {
	case leaf.IsCA:
		return errors.New("its certificate is an authority's")
	case !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth):
		return errors.New("its certificate is not a server's")
	case !slices.Contains(leaf.DNSNames, ServerName(pin)):
		return fmt.Errorf("its certificate is not for %s", ServerName(pin))
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	now := leaf.NotBefore // the clock is not asked
	if ca.NotBefore.After(now) {
		now = ca.NotBefore
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return err
}

// unproved is ErrPin with both sums, so that one can compare them with what `piway-gateway ca` prints.
func unproved(pins []Sum, ca *x509.Certificate, why error) error {
	got := "none"
	if ca != nil {
		got = SumOfCert(ca).String()
	}
	want := make([]string, len(pins))
	for i, p := range pins {
		want[i] = p.String()
	}
	return config.Try(fmt.Errorf("%w: %w (its authority is %s, pinned is %s)", ErrPin, why, got,
		strings.Join(want, " or ")), "see who answers at this address; if it is the gateway, installed anew or with other "+
		"keys, sudo piway-gateway invite NAME there, and join again here")
}
