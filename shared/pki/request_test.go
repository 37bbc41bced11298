package pki_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"piway/shared/pki"
)

func TestNewRequest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	r, err := pki.NewRequest(dir, "root-gw") // even such a name is not taken for a root
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{dir: 0o700 | fs.ModeDir, r.Key: 0o600, r.CSR: 0o644} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: got %v, %v, want mode %v", path, info, err, want)
		}
	}
	block, _ := pem.Decode(r.PEM)
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || csr.CheckSignature() != nil {
		t.Fatal(err, csr.CheckSignature())
	}
	if key, ok := csr.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() ||
		csr.Subject.CommonName != "root-gw" {
		t.Errorf("got a request of %T for %s, want P-256 for root-gw", csr.PublicKey, csr.Subject)
	}
	if len(r.PEM) > 4096 {
		t.Errorf("got %d bytes, want at most the 4,096 that CloudFormation takes", len(r.PEM))
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 2 {
		t.Errorf("got %v, want two files", entries)
	}
}

func TestNewRequest_keepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	first, err := pki.NewRequest(dir, "gw")
	if err != nil {
		t.Fatal(err)
	}
	key, _ := os.ReadFile(first.Key)
	second, err := pki.NewRequest(dir, "gw")
	if err != nil || !bytes.Equal(first.PEM, second.PEM) {
		t.Fatalf("got another request, %v", err)
	}
	// Without its request the key is kept and gets a new one.
	if err := os.Remove(first.CSR); err != nil {
		t.Fatal(err)
	}
	third, err := pki.NewRequest(dir, "gw")
	if err != nil || !third.Fits(first.PEM) || !first.Fits(third.PEM) {
		t.Fatalf("the new request is of another key, %v", err)
	}
	if now, _ := os.ReadFile(first.Key); !bytes.Equal(key, now) {
		t.Error("the key was replaced")
	}
}

func TestNewRequest_refused(t *testing.T) {
	other, err := pki.NewRequest(t.TempDir(), "gw")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("another key", func(t *testing.T) {
		dir := folderOf(t, "abc-private.pem.key")
		if _, err := pki.NewRequest(dir, "gw"); !errors.Is(err, pki.ErrExists) {
			t.Errorf("got %v, want ErrExists", err)
		}
	})
	t.Run("another's request", func(t *testing.T) {
		dir := t.TempDir()
		r, err := pki.NewRequest(dir, "gw")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(r.CSR, other.PEM, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := pki.NewRequest(dir, "gw"); err == nil {
			t.Error("took the request of another key")
		}
	})
	t.Run("damaged key", func(t *testing.T) {
		dir := folderOf(t, "gw-private.pem.key")
		if _, err := pki.NewRequest(dir, "gw"); err == nil {
			t.Error("took a damaged key")
		}
	})
}

func TestRequest_WriteCertificate(t *testing.T) {
	dir := t.TempDir()
	r, err := pki.NewRequest(dir, "gw")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.WriteCertificate(r.PEM[:10]); err == nil {
		t.Error("took what is no certificate")
	}
	if got := r.Certificate(); got != nil {
		t.Errorf("got %q, want none yet", got)
	}
	cert := signed(t, r.PEM)
	if err := errors.Join(r.WriteCertificate(cert),
		r.WriteRoots(map[string][]byte{"AmazonRootCA1.pem": cert})); err != nil {
		t.Fatal(err)
	}
	if got := r.Certificate(); !bytes.Equal(got, cert) {
		t.Errorf("got %q, want what was written", got)
	}
	files, err := pki.Find(dir)
	if err != nil || len(files.Roots) != 1 {
		t.Fatalf("got %v, %v, want a complete folder", files, err)
	}
	if _, err := files.Client("host", time.Now()); err != nil {
		t.Error(err)
	}
	other, err := pki.NewRequest(t.TempDir(), "gw")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.WriteCertificate(signed(t, other.PEM)); err == nil {
		t.Error("took the certificate of another key")
	}
}

// signed makes a certificate of a signing request, as AWS does.
func signed(t *testing.T, csrPEM []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(csrPEM)
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "AWS IoT Certificate"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, csr.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// Whatever a stack or a file holds, it is judged, and only what is of the key fits.
func FuzzRequest_Fits(f *testing.F) {
	r, err := pki.NewRequest(f.TempDir(), "gw")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.PEM)
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r.Fits(text) && !bytes.Contains(text, []byte("CERTIFICATE")) {
			t.Errorf("%q fits", text)
		}
	})
}
