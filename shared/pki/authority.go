package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"piway/shared/config"
	"piway/shared/files"
)

// The files of an Authority.
const (
	lanKey        = "ca.key"
	lanCert       = "ca.crt"
	lanServerKey  = "server.key"
	lanServerCert = "server.crt"
)

const tryRestore = "restore the folder from a backup; or remove it and pair all devices again"

// An Authority is a gateway's own on the LAN, and its server certificate. Its methods may be called at any time from
// any goroutine.
type Authority struct {
	disk   files.FS
	dir    string
	key    crypto.Signer
	cert   *x509.Certificate
	pin    Sum
	server atomic.Pointer[tls.Certificate]

	mu      sync.Mutex // of Serve, and guards what follows
	unsaved []file     // in the order in which they are to be written
}

// OpenAuthority opens the folder of an authority, and makes what is not there:
//
//	ca.key (0600)      ca.crt      server.key (0600)      server.crt
//
// The keys are ECDSA P-256, the certificates valid from 1970 to 2099. The server certificate is for ServerName of the
// pin and for hosts, of which ServerHosts says what is in.
//
// ca.key is the gateway: all else can be made anew, and is, from it. nil means that ca.key is on disk whatever happens
// to the power. It is made only in a folder that has none of the four files; where it is lost, damaged, or not the key
// of ca.crt, the error says what to do, and nothing is changed. A folder of which a power cut has left the beginning
// is completed. Other files than ca.key may fail to be written, as on a full disk: the authority works, and Serve tries
// again and tells.
func OpenAuthority(dir string, hosts []string) (*Authority, error) {
	return openAuthority(files.System, dir, hosts)
}

func openAuthority(f files.FS, dir string, hosts []string) (*Authority, error) {
	a := &Authority{disk: f, dir: dir}
	if err := f.Mkdir(dir, 0o700); err != nil {
		return nil, config.Permit(fmt.Errorf("making the folder of the gateway's authority: %w", err), dir)
	}
	var err error
	if a.key, err = a.openKey(); err != nil {
		return nil, err
	}
	if err := a.certify(); err != nil {
		return nil, err
	}
	if err := a.open(hosts); err != nil {
		return nil, err
	}
	_ = a.save() // Serve tells
	return a, nil
}

// openKey reads ca.key, or makes it.
func (a *Authority) openKey() (crypto.Signer, error) {
	key, err := a.readKey()
	if errors.Is(err, fs.ErrNotExist) {
		made, failed := a.makeKey()
		if failed == nil {
			return made, nil
		}
		if key, err = a.readKey(); err != nil {
			return nil, failed
		} // another process was faster
	}
	if err != nil {
		return nil, err
	}
	if _, ok := a.later(); ok {
		return key, nil
	}
	// An earlier process may have made only the beginning.
	if err := confirm(a.disk, a.path(lanKey)); err != nil {
		return nil, fmt.Errorf("making the key of the gateway's authority durable: %w", err)
	}
	return key, nil
}

func (a *Authority) readKey() (crypto.Signer, error) {
	path := a.path(lanKey)
	text, err := readAll(a.disk, path)
	if err != nil {
		return nil, config.Permit(fmt.Errorf("reading the key of the gateway's authority: %w", err), a.dir)
	}
	key, err := parseOwnKey(text)
	if _, ok := key.(*ecdsa.PrivateKey); err == nil && !ok {
		err = fmt.Errorf("is a key of another kind (%T), not of P-256", key)
	}
	if err != nil {
		return nil, config.Try(fmt.Errorf("reading the key of the gateway's authority: %s: %w", path, err), tryRestore)
	}
	return key, nil
}

// makeKey makes ca.key if nothing says that there was one.
func (a *Authority) makeKey() (crypto.Signer, error) {
	if name, ok := a.later(); ok {
		return nil, config.Try(fmt.Errorf("reading the key of the gateway's authority: %s is gone, and %s is there",
			a.path(lanKey), name), tryRestore)
	}
	key, text, err := newKey()
	if err != nil {
		return nil, err
	}
	if err := create(a.disk, a.path(lanKey), text); err != nil {
		return nil, config.Permit(fmt.Errorf("making the key of the gateway's authority: %w", err), a.dir)
	}
	return key, nil
}

// later returns a file that is made after ca.key, if one is there: then ca.key was made, and was durable.
func (a *Authority) later() (name string, ok bool) {
	for _, name := range []string{lanCert, lanServerKey, lanServerCert} {
		if _, err := os.Lstat(a.path(name)); !errors.Is(err, fs.ErrNotExist) {
			return name, true
		}
	}
	return "", false
}

// certify makes the authority's certificate, which is always the same for a key, and compares it with ca.crt.
func (a *Authority) certify() (err error) {
	if a.pin, err = SumOf(a.key.Public()); err != nil {
		return err
	}
	t := always(a.pin)
	t.Subject = pkix.Name{CommonName: "Piway gateway " + a.pin.String()[:16]}
	t.IsCA, t.MaxPathLenZero = true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	if a.cert, err = sign(t, t, a.key.Public(), a.key); err != nil {
		return err
	}
	there, err := a.readCert(lanCert)
	switch {
	case err != nil:
		a.toSave(file{lanCert, a.PEM(), publicMode})
	case SumOfCert(there) != a.pin:
		return config.Try(fmt.Errorf("reading the key of the gateway's authority: %s is not the key of %s",
			a.path(lanKey), lanCert), tryRestore)
	case !there.Equal(a.cert):
		a.toSave(file{lanCert, a.PEM(), publicMode})
	}
	return nil
}

// readCert reads the first certificate of a file.
func (a *Authority) readCert(name string) (*x509.Certificate, error) {
	text, err := readAll(a.disk, a.path(name))
	if err != nil {
		return nil, err
	}
	certs, err := source{"certificate", a.path(name), text}.certificates()
	if err != nil {
		return nil, err
	}
	return certs[0], nil
}

func (a *Authority) path(name string) string { return filepath.Join(a.dir, name) }

// Pin is the sum of the authority's key, by which devices know the gateway.
func (a *Authority) Pin() Sum { return a.pin }

// PEM is the authority's certificate, for mosquitto's --cafile.
func (a *Authority) PEM() []byte { return certText(a.cert) }

// Certificate is the server's, with the authority's in its chain, for tls.Config.GetCertificate: another one after
// Serve. It must not be changed.
func (a *Authority) Certificate() *tls.Certificate { return a.server.Load() }

// save writes what is not on disk yet.
func (a *Authority) save() error {
	for len(a.unsaved) > 0 {
		f := a.unsaved[0]
		if err := files.Replace(a.disk, a.path(f.name), f.text, f.mode); err != nil {
			return config.Permit(fmt.Errorf("writing %s: %w", a.path(f.name), err), a.dir)
		}
		a.unsaved = a.unsaved[1:]
	}
	return nil
}

// toSave puts a file at the end of what is to be written.
func (a *Authority) toSave(f file) {
	a.unsaved = append(slices.DeleteFunc(a.unsaved, func(o file) bool { return o.name == f.name }), f)
}

// ReadCA returns the certificate of the authority in the folder dir, in PEM, beside a gateway that runs or not.
func ReadCA(dir string) ([]byte, error) {
	path := filepath.Join(dir, lanCert)
	text, err := readFile(path)
	if err != nil {
		err = fmt.Errorf("reading the certificate of the gateway's authority: %w", err) // the path is in err
		if errors.Is(err, fs.ErrNotExist) {
			return nil, config.Try(err, "start the gateway once: it makes the certificate")
		}
		return nil, config.Permit(err, path)
	}
	for block := range blocks(text) {
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" && cert.IsCA {
			return certText(cert), nil
		}
	}
	return nil, config.Try(fmt.Errorf("reading the certificate of the gateway's authority: %s holds none", path),
		"restart the gateway: it makes the certificate anew")
}

func certText(certs ...*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return b.Bytes()
}
