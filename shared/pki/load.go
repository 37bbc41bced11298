package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"

	"piway/shared/config"
)

// maxFile bounds a PEM file; a bundle of all public roots is some 250 KB.
const maxFile = 1 << 20

// readPEM reads a file that must hold PEM. what names its role in errors.
func readPEM(what, path string) ([]byte, error) {
	text, err := readFile(path)
	if err == nil {
		return text, nil
	}
	err = fmt.Errorf("reading the %s: %w", what, err) // the path is in err
	if errors.Is(err, fs.ErrNotExist) {
		return nil, config.Try(err, "put the file there or correct the path")
	}
	return nil, config.Permit(err, path)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: has more than %d bytes, which no such file has", path, maxFile)
	}
	return text, err
}

// A source is the content of a file and how errors name it.
type source struct {
	what, path string
	text       []byte
}

// errorf makes an error about the file; what is wrong comes with what to do.
func (s source) errorf(try, format string, args ...any) error {
	return config.Try(fmt.Errorf("reading the %s %s: %w", s.what, s.path, fmt.Errorf(format, args...)), try)
}

const (
	trySwap     = "see whether the paths of certificate and key are swapped"
	tryDownload = "download it again, or make a new certificate"
)

// certificates returns the certificates of the PEM text, at least one.
func (s source) certificates() ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	var other string
	for block := range blocks(s.text) {
		if block.Type != "CERTIFICATE" {
			other = block.Type
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, s.errorf(tryDownload, "%w", err)
		}
		certs = append(certs, cert)
	}
	switch {
	case len(certs) > 0:
		return certs, nil
	case isKey(other):
		return nil, s.errorf(trySwap, "is a private key")
	case other != "":
		return nil, s.errorf(tryDownload, "has no certificate but a %q", other)
	}
	return nil, s.notPEM("x509")
}

// privateKey returns the first private key of the PEM text.
func (s source) privateKey() (crypto.Signer, error) {
	var other string
	for block := range blocks(s.text) {
		if !isKey(block.Type) {
			other = block.Type
			continue
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return nil, s.errorf("openssl pkey -in "+s.path+" -out unlocked.pem", "is locked by a passphrase")
		}
		return s.parseKey(block.Bytes)
	}
	switch other {
	case "CERTIFICATE":
		return nil, s.errorf(trySwap, "is a certificate")
	case "PUBLIC KEY":
		return nil, s.errorf("use the file named *-private.pem.key", "is a public key")
	case "":
		return nil, s.notPEM("pkey")
	}
	return nil, s.errorf(tryDownload, "has no private key but a %q", other)
}

func isKey(blockType string) bool {
	switch blockType {
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
		return true
	}
	return false
}

// parseKey tries the three forms by content, not by the block's type, since tools mix them up.
func (s source) parseKey(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, s.errorf(tryDownload, "%w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, s.errorf("use an RSA or ECDSA key", "cannot sign, being a %T", key)
	}
	return signer, nil
}

func (s source) notPEM(tool string) error {
	switch {
	case len(bytes.TrimSpace(s.text)) == 0:
		return s.errorf(tryDownload, "is empty")
	case bytes.HasPrefix(s.text, []byte{0x30}): // the sequence that every certificate and key is
		return s.errorf(fmt.Sprintf("openssl %s -inform der -in %s -out new.pem", tool, s.path), "is DER, not PEM")
	}
	return s.errorf(tryDownload, "is not PEM, it has no whole block of -----BEGIN and -----END")
}

// blocks iterates over the PEM blocks of a text; what stands between them is passed over.
func blocks(text []byte) iter.Seq[*pem.Block] {
	return func(yield func(*pem.Block) bool) {
		for {
			var block *pem.Block
			if block, text = pem.Decode(text); block == nil || !yield(block) {
				return
			}
		}
	}
}
