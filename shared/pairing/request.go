package pairing

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

	"piway/shared/pki"
)

const (
	// ALPN is the protocol that a device which wants to join offers in its TLS handshake.
	ALPN = "piway-join/1"
	// Path is where it posts its Request.
	Path = "/join"
	// MaxBody bounds a Request and an Answer, in bytes. A request has some 600, an answer some 1,000.
	MaxBody = 4 << 10

	csrType = "CERTIFICATE REQUEST"
)

// A Request is what a device posts, as JSON.
type Request struct {
	// ID and Secret are the token's, in base64url without padding.
	ID     string `json:"id"`
	Secret string `json:"secret"`
	// CSR is a certificate signing request in PEM. It proves that the device has the key; only the public key counts.
	CSR string `json:"csr"`
}

// NewRequest returns the body of the request by which a device with this key joins.
func NewRequest(t Token, key *tls.Certificate) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("making the request to join: %w", err)
	}
	return json.Marshal(Request{
		ID:     encoding.EncodeToString(t.ID[:]),
		Secret: encoding.EncodeToString(t.Secret[:]),
		CSR:    string(pem.EncodeToMemory(&pem.Block{Type: csrType, Bytes: der})),
	})
}

// ErrTooLong is that of a body of more than MaxBody bytes.
var ErrTooLong = fmt.Errorf("has more than %d bytes", MaxBody)

// ReadRequest reads the body of a request, at most MaxBody bytes, and returns the sum of the key that signed its CSR,
// which is of P-256 or Ed25519. Nothing else of the CSR is looked at, and members of JSON that are not known are passed
// over. Whether there is such an invitation is for its caller to see. The error shows nothing of the secret.
func ReadRequest(r io.Reader) (id [6]byte, secret [16]byte, key pki.Sum, err error) {
	fail := func(err error) ([6]byte, [16]byte, pki.Sum, error) {
		return [6]byte{}, [16]byte{}, pki.Sum{}, fmt.Errorf("reading a request to join: %w", err)
	}
	body, err := readBody(r)
	if err != nil {
		return fail(err)
	}
	var req Request
	if err := json.Unmarshal(body, &req); err != nil {
		return fail(errors.New("is not the JSON of one")) // which may hold the secret
	}
	if !exact(id[:], req.ID) {
		return fail(fmt.Errorf("id: must be %d bytes in base64url", len(id)))
	}
	if !exact(secret[:], req.Secret) {
		return fail(fmt.Errorf("secret: must be %d bytes in base64url", len(secret)))
	}
	if key, err = keyOf(req.CSR); err != nil {
		return fail(fmt.Errorf("csr: %w", err))
	}
	return id, secret, key, nil
}

// readBody reads a body that is not too long.
func readBody(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, MaxBody+1))
	if err == nil && len(body) > MaxBody {
		err = ErrTooLong
	}
	return body, err
}

// exact fills into with the bytes of a text, and reports whether these are as many.
func exact(into []byte, text string) bool {
	if len(text) != encoding.EncodedLen(len(into)) { // also because Go passes over line breaks
		return false
	}
	b, err := encoding.DecodeString(text)
	return err == nil && copy(into, b) == len(into)
}

// keyOf returns the sum of the key of a CSR that is signed with it. The kind is looked at first: checking another, as a
// long RSA key, may take long.
func keyOf(text string) (pki.Sum, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != csrType {
		return pki.Sum{}, errors.New("must be a certificate signing request in PEM")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return pki.Sum{}, err
	}
	if !pki.IsOwnKind(csr.PublicKey) {
		return pki.Sum{}, errors.New("must be of a key of P-256 or Ed25519")
	}
	if err := csr.CheckSignature(); err != nil {
		return pki.Sum{}, fmt.Errorf("is not signed with its key: %w", err)
	}
	return pki.SumOf(csr.PublicKey)
}
