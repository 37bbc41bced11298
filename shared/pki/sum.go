package pki

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"

	"piway/shared/config"
)

// A Sum is what a public key is known by: the SHA-256 of its SubjectPublicKeyInfo in DER, as Go's
// x509.Certificate.RawSubjectPublicKeyInfo and `openssl pkey -pubin -outform DER` have it. The sum of a device's key is
// the device; the sum of the key of a gateway's authority is the pin of that gateway. The zero Sum is nobody's.
type Sum [sha256.Size]byte

// SumOf returns the sum of a public key. The error is of a type that x509 cannot encode.
func SumOf(key crypto.PublicKey) (Sum, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return Sum{}, fmt.Errorf("encoding a public key: %w", err)
	}
	return sha256.Sum256(der), nil
}

// SumOfCert returns the sum of the key that a certificate is about.
func SumOfCert(cert *x509.Certificate) Sum { return sha256.Sum256(cert.RawSubjectPublicKeyInfo) }

// String is 64 hexadecimal digits, in small letters.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// ParseSum reads what String writes, in any case of letters.
func ParseSum(text string) (Sum, error) {
	var s Sum
	if len(text) == hex.EncodedLen(len(s)) {
		if _, err := hex.Decode(s[:], []byte(text)); err == nil {
			return s, nil
		}
	}
	const shown = 80 // of what may be anything
	return Sum{}, config.Try(fmt.Errorf("%.*q is not the sum of a key", shown, text), "64 hexadecimal digits")
}

// MarshalText is String.
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is ParseSum. After an error s is as before.
func (s *Sum) UnmarshalText(text []byte) error {
	sum, err := ParseSum(string(text))
	if err == nil {
		*s = sum
	}
	return err
}
