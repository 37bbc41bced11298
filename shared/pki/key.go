package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// newKey makes a P-256 key, and what a file of it holds (PKCS #8 in PEM).
func newKey() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding a key: %w", err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// parseOwnKey reads a private key of P-256 or Ed25519 from PEM, in PKCS #8 or SEC 1.
func parseOwnKey(text []byte) (crypto.Signer, error) {
	for block := range blocks(text) {
		if !isKey(block.Type) {
			continue
		}
		key, err := ownKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		signer, ok := key.(crypto.Signer)
		if !ok || !IsOwnKind(signer.Public()) {
			return nil, fmt.Errorf("is a key of another kind (%T), not of P-256 or Ed25519", key)
		}
		return signer, nil
	}
	if len(text) == 0 {
		return nil, errors.New("is empty")
	}
	return nil, errors.New("has no whole private key in PEM")
}

func ownKey(der []byte) (any, error) {
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return x509.ParsePKCS8PrivateKey(der)
}

// IsOwnKind reports whether a public key is of a kind that a device may have: ECDSA P-256 or Ed25519. Both are checked
// in well under a millisecond on a Raspberry Pi, whatever a stranger sends.
func IsOwnKind(key crypto.PublicKey) bool {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return k.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return true
	}
	return false
}
