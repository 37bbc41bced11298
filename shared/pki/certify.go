package pki

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"
)

// always is a certificate that is valid whatever the clock says: a Raspberry Pi without network starts in 1970. Its
// serial number comes from a sum, so that the same key has the same certificate.
func always(of Sum) *x509.Certificate {
	serial := of[:16] // RFC 5280: at most 20 octets, positive
	return &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(append([]byte{serial[0] & 0x7f}, serial[1:]...)),
		NotBefore:             time.Unix(0, 0).UTC(),
		NotAfter:              time.Date(2099, 12, 31, 23, 59, 59, 0, time.UTC),
		BasicConstraintsValid: true,
	}
}

// sign makes a certificate of a template, the same one each time.
func sign(t, by *x509.Certificate, of crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	// Without randomness the signature is that of RFC 6979, and the serial number is there.
	der, err := x509.CreateCertificate(nil, t, by, of, key)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate of %s: %w", t.Subject.CommonName, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading back the certificate of %s: %w", t.Subject.CommonName, err)
	}
	return cert, nil
}
