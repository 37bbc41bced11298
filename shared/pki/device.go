package pki

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"piway/shared/config"
	"piway/shared/files"
)

// MakeDeviceKey makes the key of a device at path, which is ECDSA P-256 in PEM (PKCS #8) with mode 0600, and the owner
// of its folder if root makes it there. The folder is made if need be. nil means that the key is on disk whatever happens
// to the power; fs.ErrExist, that a file is there, which stays as it is, and is on disk: see LoadDeviceKey.
//
// The certificate around the key is in memory only: self-signed, 1970 to 2099, "piway device". It says nothing, since
// a device is its key.
func MakeDeviceKey(path string) (*tls.Certificate, error) { return makeDeviceKey(files.System, path) }

func makeDeviceKey(f files.FS, path string) (*tls.Certificate, error) {
	key, text, err := newKey()
	if err != nil {
		return nil, err
	}
	cert, err := wrap(key)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	if err := f.Mkdir(dir, 0o755); err != nil {
		return nil, config.Permit(fmt.Errorf("making the folder of the device's key: %w", err), dir)
	}
	if err := create(f, path, text); err != nil {
		return nil, notMade(f, path, err)
	}
	return cert, nil
}

// notMade says why create failed. Before somebody uses the file that is there it must outlive a power cut.
func notMade(f files.FS, path string, err error) error {
	err = fmt.Errorf("making the device's key %s: %w", path, err)
	if !errors.Is(err, fs.ErrExist) {
		return config.Permit(err, filepath.Dir(path))
	}
	if unsure := confirm(f, path); unsure != nil {
		return fmt.Errorf("making the device's key durable: %w", unsure)
	}
	return config.Try(err, "use that key, or remove the file and pair this device again")
}

const tryPair = "pair this device again: sudo piway-gateway invite NAME --replace there, and sudo piway-agent join TOKEN here"

// LoadDeviceKey reads a key that MakeDeviceKey made, or another of P-256 or Ed25519 in PEM (PKCS #8 or SEC 1), and
// returns it in a certificate as MakeDeviceKey does. fs.ErrNotExist means that there is no file; other errors say what
// is wrong with it.
func LoadDeviceKey(path string) (*tls.Certificate, error) {
	text, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, config.Try(fmt.Errorf("reading the device's key: %w", err), tryPair)
	}
	if err != nil {
		return nil, config.Permit(fmt.Errorf("reading the device's key: %w", err), path) // the path is in err
	}
	key, err := parseOwnKey(text)
	if err != nil {
		return nil, config.Try(fmt.Errorf("reading the device's key: %s: %w", path, err),
			"restore it from a backup; or remove it, and "+tryPair)
	}
	return wrap(key)
}

// wrap puts a key into a certificate, as TLS wants to have it.
func wrap(key crypto.Signer) (*tls.Certificate, error) {
	sum, err := SumOf(key.Public())
	if err != nil {
		return nil, err
	}
	t := always(sum)
	t.Subject = pkix.Name{CommonName: "piway device"}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	cert, err := sign(t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}, nil
}
