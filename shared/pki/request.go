package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"piway/shared/config"
	"piway/shared/files"
)

// Endings of the files of one client, after its name.
const (
	keyEnd  = "-private.pem.key"
	certEnd = "-certificate.pem.crt"
	csrEnd  = ".csr.pem"
)

// A Request is a private key and a certificate signing request of it, on disk.
type Request struct {
	// Key and CSR are the paths, PEM is the text of the CSR.
	Key, CSR string
	PEM      []byte
	public   crypto.PublicKey
}

// NewRequest makes an ECDSA P-256 key and a CSR in the folder dir, which it makes with mode 0700 if it is not there:
//
//	<name>-private.pem.key (0600)     <name>.csr.pem
//
// A key that is there is never replaced: it is used, and only a CSR that is missing is made. A folder with a key of
// another name is refused with ErrExists, since a gateway would not know which to take. A nil error means that both
// files are on disk. AWS IoT takes P-256 (CreateCertificateFromCsr).
func NewRequest(dir, name string) (*Request, error) {
	if err := files.System.Mkdir(dir, 0o700); err != nil {
		return nil, config.Try(fmt.Errorf("making the certificate folder: %w", err), "sudo -E, or another folder")
	}
	r := &Request{Key: filepath.Join(dir, name+keyEnd), CSR: filepath.Join(dir, name+csrEnd)}
	found, err := scan(dir)
	if err != nil {
		return nil, err
	}
	if others := slices.DeleteFunc(found.keys, func(path string) bool { return path == r.Key }); len(others) > 0 {
		return nil, config.Try(fmt.Errorf("making a key in %s: %w (%s)", dir, ErrExists, bases(others)),
			"use it, or name an empty folder")
	}
	key, err := r.key(dir, name)
	if err != nil {
		return nil, err
	}
	r.public = key.Public()
	return r, r.request(dir, name, key)
}

// key reads the key, or makes it.
func (r *Request) key(dir, name string) (crypto.Signer, error) {
	if _, err := os.Lstat(r.Key); !errors.Is(err, fs.ErrNotExist) {
		return readKey(r.Key)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return key, writeNew(dir, file{name + keyEnd, text, privateMode})
}

// request reads the CSR, or makes it.
func (r *Request) request(dir, name string, key crypto.Signer) error {
	text, err := readFile(r.CSR)
	switch {
	case err == nil:
		if r.PEM = text; !r.Fits(text) {
			return config.Try(fmt.Errorf("reading %s: is not a signing request of the key %s", r.CSR, r.Key),
				"delete it, a new one will be made")
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return config.Permit(fmt.Errorf("reading the signing request: %w", err), r.CSR)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}},
		key)
	if err != nil {
		return fmt.Errorf("making a signing request: %w", err)
	}
	r.PEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	return writeNew(dir, file{name + csrEnd, r.PEM, publicMode})
}

// Fits says whether the PEM text is a signing request, or a certificate, of this key.
func (r *Request) Fits(text []byte) bool {
	block, _ := pem.Decode(bytes.TrimSpace(text))
	if block == nil {
		return false
	}
	var public any
	switch block.Type {
	case "CERTIFICATE REQUEST":
		csr, err := x509.ParseCertificateRequest(block.Bytes)
		if err != nil || csr.CheckSignature() != nil {
			return false
		}
		public = csr.PublicKey
	case "CERTIFICATE":
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return false
		}
		public = cert.PublicKey
	}
	own, ok := r.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && own.Equal(public)
}

// WriteCertificate writes the certificate that the request was made for beside it, as <name>-certificate.pem.crt, in
// the place of one that is there. A certificate of another key is refused. A nil error means that it is on disk.
func (r *Request) WriteCertificate(cert []byte) error {
	if !r.Fits(cert) {
		return fmt.Errorf("writing the certificate: is not of the key %s", r.Key)
	}
	return writeAll(filepath.Dir(r.Key), []file{{filepath.Base(r.certificate()), cert, publicMode}})
}

// Certificate returns the certificate beside the request, nil if there is none of this key.
func (r *Request) Certificate() []byte {
	if cert, err := readFile(r.certificate()); err == nil && r.Fits(cert) {
		return cert
	}
	return nil
}

func (r *Request) certificate() string { return strings.TrimSuffix(r.Key, keyEnd) + certEnd }

// WriteRoots writes root certificates beside the request, by their file names, in the place of those that are there.
func (r *Request) WriteRoots(roots map[string][]byte) error {
	var all []file
	for name, text := range roots {
		all = append(all, file{name, text, publicMode})
	}
	return writeAll(filepath.Dir(r.Key), all)
}

// writeNew writes a file that must not be there yet: whole, or not at all.
func writeNew(dir string, f file) error {
	path := filepath.Join(dir, f.name)
	temp, err := writeTemp(dir, f)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	// Unlike a rename a link does not replace what somebody else has just put there.
	err = os.Link(temp, path)
	if err := errors.Join(err, os.Remove(temp)); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return files.System.SyncDir(dir)
}
