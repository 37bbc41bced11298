package pki_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"piway/shared/pki"
)

// made returns a fresh certificate folder for 127.0.0.1 and localhost, and its client's files.
func made(t *testing.T) (string, pki.Files) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "certs")
	if err := pki.MakeAWS(dir, nil); err != nil {
		t.Fatal(err)
	}
	files, err := pki.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, files
}

func write(t *testing.T, path string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// rsaPair makes a certificate with an RSA 2048 key, as the AWS console does, and writes both into a new folder.
func rsaPair(t *testing.T, notAfter time.Time) (cert, key string) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{NotBefore: notAfter.Add(-time.Hour), NotAfter: notAfter}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert = write(t, filepath.Join(dir, "rsa-certificate.pem.crt"), encode("CERTIFICATE", der))
	key = write(t, filepath.Join(dir, "rsa-private.pem.key"),
		encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(private)))
	return cert, key
}

func encode(blockType string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der})
}
