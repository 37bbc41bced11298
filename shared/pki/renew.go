package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"piway/shared/config"
	"piway/shared/files"
)

// Two files cannot be replaced at one moment. So while a key takes the place of another, the file of the certificate
// holds both certificates, and who reads takes the one that the key is of: whenever a power cut comes, what is on disk
// works.

// TakePlace puts key, request and certificate of r, which lie in another folder, in the place of those that dir has
// under the same names. At every moment dir holds a key with its certificate: the old ones or the new ones. Modes and
// owners stay. nil means that it is on disk; after an error, or a kill, the same call goes on.
func (r *Request) TakePlace(dir string) error {
	steps, err := r.takePlace(dir)
	if err != nil {
		return err
	}
	for _, do := range steps {
		if err := do(); err != nil {
			return fmt.Errorf("replacing the key in %s: %w", dir, err)
		}
	}
	return nil
}

// takePlace are the steps that are left.
func (r *Request) takePlace(dir string) ([]func() error, error) {
	fresh, err := readPEM("certificate", r.certificate())
	if err == nil && !r.Fits(fresh) {
		err = config.Try(fmt.Errorf("matching %s: is not of the key %s", r.certificate(), r.Key),
			"delete it, and run this again")
	}
	key, keyErr := readPEM("private key", r.Key)
	if err := errors.Join(err, keyErr); err != nil {
		return nil, err
	}
	in := func(path string) string { return filepath.Join(dir, filepath.Base(path)) }
	certPath, keyPath, csrPath := in(r.certificate()), in(r.Key), in(r.CSR)
	steps := []func() error{
		func() error { return files.Rewrite(csrPath, r.PEM, publicMode) },
		func() error { return files.Rewrite(certPath, fresh, publicMode) },
	}
	if there, err := readKey(keyPath); err == nil && r.isOf(there) {
		return steps, nil
	}
	return slices.Concat([]func() error{
		func() error { return addCertificate(certPath, fresh) },
		func() error { return removeOld(csrPath) },
		func() error { return files.Rewrite(keyPath, key, privateMode) },
	}, steps), nil
}

// addCertificate puts a certificate behind what is in a file.
func addCertificate(path string, fresh []byte) error {
	old, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && bytes.Contains(old, bytes.TrimSpace(fresh)) {
		return nil
	}
	if err != nil {
		return err
	}
	both := append(append(bytes.TrimRight(old, "\n"), '\n'), fresh...)
	return files.Rewrite(path, both, publicMode)
}

// removeOld removes the request of the old key. A missing one is made anew, of whichever key is there.
func removeOld(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (r *Request) isOf(key crypto.Signer) bool {
	own, ok := r.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && own.Equal(key.Public())
}

// SameKey says whether another request is of the same key.
func (r *Request) SameKey(other *Request) bool { return r.Fits(other.PEM) }

// fitting returns, of the certificates of a file, the one that the key is of with what vouches for it behind; those of
// other keys are left out, but no authority's. All are returned if the first fits and is alone, or none fits.
func fitting(certs []*x509.Certificate, key crypto.Signer) []*x509.Certificate {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return certs
	}
	at := slices.IndexFunc(certs, func(c *x509.Certificate) bool { return public.Equal(c.PublicKey) })
	if at < 0 {
		return certs
	}
	all := []*x509.Certificate{certs[at]}
	for i, c := range certs {
		if i != at && (c.IsCA || !c.BasicConstraintsValid) {
			all = append(all, c)
		}
	}
	return all
}
