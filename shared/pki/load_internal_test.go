package pki

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// seeds are the files of a fresh folder, and text around them.
func seeds(f *testing.F) {
	f.Helper()
	files, err := awsFiles(nil, time.Now())
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add(file.text)
		f.Add(append([]byte("Bag Attributes\r\n"), file.text...))
	}
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"))
	f.Add([]byte{0x30, 0x82, 1, 2})
}

func FuzzCertificates(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		certs, err := source{"certificate", "/x", text}.certificates()
		if err == nil && len(certs) == 0 {
			t.Error("neither a certificate nor an error")
		}
		checkError(t, err, "reading the certificate /x: ")
	})
}

func FuzzPrivateKey(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := source{"private key", "/x", text}.privateKey()
		if (key == nil) == (err == nil) {
			t.Errorf("got %v, %v, want one of them", key, err)
		}
		checkError(t, err, "reading the private key /x: ")
	})
}

func checkError(t *testing.T, err error, start string) {
	t.Helper()
	if err != nil && (!strings.HasPrefix(err.Error(), start) || !strings.Contains(err.Error(), ", try: ")) {
		t.Errorf("got %q, want %q at its start and a hint", err, start)
	}
}

func TestWriteAll_leavesNothingBehindAfterAnError(t *testing.T) {
	dir := t.TempDir()
	err := writeAll(dir, []file{{"a", nil, publicMode}, {filepath.Join("no folder", "b"), nil, publicMode}})
	if err == nil {
		t.Error("got nil, want an error")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("got %v, %v, want an empty folder", left, err)
	}
}
