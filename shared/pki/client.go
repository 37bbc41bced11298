package pki

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"piway/shared/config"
)

// Client loads the files and returns what a TLS client needs to prove itself to serverName and to check it: TLS 1.2 or
// newer, these roots only, the certificate with its key. A nil error means that the key fits the certificate and that
// at now the certificate and at least one root are valid; otherwise every mistake is told, each naming its file, and
// errors.Is finds ErrTime if one of them is of time. A zero now asks for no validity.
func (f Files) Client(serverName string, now time.Time) (*tls.Config, error) {
	roots, rootsErr := pool("root certificate", f.Roots, now)
	pair, pairErr := keyPair(f.Cert, f.Key, now)
	if err := errors.Join(rootsErr, pairErr); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		ServerName:   serverName,
		RootCAs:      roots,
		Certificates: []tls.Certificate{pair},
	}, nil
}

// Expires returns the end of the validity of the certificate that a configuration of Client shows, so that a program
// can warn some weeks before. It is the certificate in use, whatever the file holds by now. Without one ok is false.
func Expires(c *tls.Config) (end time.Time, ok bool) {
	if c == nil || len(c.Certificates) == 0 || c.Certificates[0].Leaf == nil {
		return time.Time{}, false
	}
	return c.Certificates[0].Leaf.NotAfter, true
}

// KeyIsOpen reports whether every user of this machine may read or replace the private key, by its mode.
func (f Files) KeyIsOpen() bool {
	const others = 0o007
	info, err := os.Stat(f.Key)
	return err == nil && info.Mode().Perm()&others != 0
}

// pool loads all files of trusted certificates. Expired ones may lie among valid ones, as in AWS's own list of roots.
func pool(what string, paths []string, now time.Time) (*x509.CertPool, error) {
	if len(paths) == 0 {
		return nil, config.Try(fmt.Errorf("reading the %s: no file is named", what), "set its path")
	}
	all := x509.NewCertPool()
	var errs []error
	var invalid error
	valid := false
	for _, path := range paths {
		certs, err := readCertificates(what, path)
		if err != nil {
			errs = append(errs, err)
		}
		for _, cert := range certs {
			all.AddCert(cert)
			if err := inTime(what, path, cert, now); err != nil {
				invalid = err
				continue
			}
			valid = true
		}
	}
	if !valid && invalid != nil {
		errs = append(errs, invalid)
	}
	return all, errors.Join(errs...)
}

// errMatch is the mistake of a certificate of another key.
var errMatch = errors.New("is not the key of")

// keyPair loads a certificate, perhaps with its chain, and its private key.
func keyPair(certPath, keyPath string, now time.Time) (tls.Certificate, error) {
	pair, err := readPair(certPath, keyPath, now)
	if errors.Is(err, errMatch) { // both may have been replaced after the first was read
		return readPair(certPath, keyPath, now)
	}
	return pair, err
}

func readPair(certPath, keyPath string, now time.Time) (tls.Certificate, error) {
	certs, certErr := readCertificates("certificate", certPath)
	key, keyErr := readKey(keyPath)
	if err := errors.Join(certErr, keyErr); err != nil {
		return tls.Certificate{}, err
	}
	certs = fitting(certs, key)
	leaf := certs[0]
	timeErr := inTime("certificate", certPath, leaf, now)
	var matchErr error
	if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(leaf.PublicKey) {
		matchErr = config.Try(fmt.Errorf("matching the private key %s: %w %s", keyPath, errMatch, certPath),
			"use the two files whose names begin with the same id")
	}
	if err := errors.Join(timeErr, matchErr); err != nil {
		return tls.Certificate{}, err
	}
	pair := tls.Certificate{PrivateKey: key, Leaf: leaf}
	for _, cert := range certs {
		pair.Certificate = append(pair.Certificate, cert.Raw)
	}
	return pair, nil
}

func readCertificates(what, path string) ([]*x509.Certificate, error) {
	if path == "" {
		return nil, config.Try(fmt.Errorf("reading the %s: no file is named", what), "set its path")
	}
	text, err := readPEM(what, path)
	if err != nil {
		return nil, err
	}
	return source{what, path, text}.certificates()
}

func readKey(path string) (crypto.Signer, error) {
	if path == "" {
		return nil, config.Try(errors.New("reading the private key: no file is named"), "set its path")
	}
	text, err := readPEM("private key", path)
	if err != nil {
		return nil, err
	}
	return source{"private key", path, text}.privateKey()
}

// ErrTime is the mistake of a certificate that is not valid yet or not any more: for callers that can wait.
var ErrTime = errors.New("not valid now")

// A timeError reads as its words alone, and is ErrTime.
type timeError struct{ error }

func (timeError) Is(target error) bool { return target == ErrTime }

// inTime says whether a certificate is valid at now, if that is not zero. The clock is named each time: a Raspberry Pi
// starts in the past.
func inTime(what, path string, cert *x509.Certificate, now time.Time) error {
	const day = "2006-01-02 15:04 MST"
	clock := now.UTC().Format(day)
	switch {
	case now.IsZero():
		return nil
	case now.Before(cert.NotBefore):
		return config.Try(timeError{fmt.Errorf("checking the %s %s: not valid before %s, and this machine's clock says %s",
			what, path, cert.NotBefore.UTC().Format(day), clock)}, "set the clock, or wait until NTP has set it")
	case now.After(cert.NotAfter):
		return config.Try(timeError{fmt.Errorf("checking the %s %s: expired on %s, and this machine's clock says %s",
			what, path, cert.NotAfter.UTC().Format(day), clock)}, "if the clock is right, replace the file by a new one")
	}
	return nil
}
