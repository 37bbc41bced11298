package pki

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// signed makes key and request in dir, and a certificate as AWS would.
func signed(t *testing.T, dir string) *Request {
	t.Helper()
	r, err := NewRequest(dir, "gw")
	if err != nil {
		t.Fatal(err)
	}
	ca, err := issue(template("AWS", time.Now()), nil)
	if err != nil {
		t.Fatal(err)
	}
	leaf := forClient(template("AWS IoT Certificate", time.Now()))
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca.cert, r.public, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	text := append([]byte("# a note\n"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	if err := r.WriteCertificate(text); err != nil {
		t.Fatal(err)
	}
	return r
}

func pairOf(t *testing.T, dir string) tls.Certificate {
	t.Helper()
	f, err := Files{Roots: []string{"unused"}}.FindRest(dir)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := keyPair(f.Cert, f.Key, time.Now())
	if err != nil {
		t.Fatalf("what is on disk does not work: %v", err)
	}
	if len(pair.Certificate) != 1 {
		t.Errorf("%d certificates are shown, want one", len(pair.Certificate))
	}
	return pair
}

// Killed between any two steps, the folder holds a key with its certificate, and the next call goes on.
func TestRequest_TakePlace_killed(t *testing.T) {
	for kill := range 6 {
		dir := t.TempDir()
		old := signed(t, dir)
		if err := os.Chmod(old.Key, 0o640); err != nil {
			t.Fatal(err)
		}
		fresh := signed(t, filepath.Join(dir, "renewal"))
		steps, err := fresh.takePlace(dir)
		if err != nil || len(steps) != 5 {
			t.Fatalf("%d steps, %v", len(steps), err)
		}
		for _, do := range steps[:kill] {
			if err := do(); err != nil {
				t.Fatal(err)
			}
			pairOf(t, dir)
		}
		if _, err := NewRequest(dir, "gw"); err != nil {
			t.Errorf("after %d steps: aws setup could not go on: %v", kill, err)
		}
		if err := fresh.TakePlace(dir); err != nil {
			t.Fatalf("after %d steps: %v", kill, err)
		}
		want := pairOf(t, filepath.Join(dir, "renewal"))
		if got := pairOf(t, dir); !bytes.Equal(got.Certificate[0], want.Certificate[0]) {
			t.Errorf("after %d steps: the old certificate is there", kill)
		}
		text, err := os.ReadFile(old.certificate())
		if err != nil || bytes.Count(text, []byte("BEGIN")) != 1 {
			t.Errorf("after %d steps: got %q, %v", kill, text, err)
		}
		if info, err := os.Stat(old.Key); err != nil || info.Mode() != 0o640 {
			t.Errorf("the key has the mode %v, %v", info.Mode(), err)
		}
		now, err := NewRequest(dir, "gw")
		if err != nil || !now.SameKey(fresh) {
			t.Errorf("after %d steps: the request is another key's: %v", kill, err)
		}
	}
}

// An error leaves the old ones, and the next call goes on.
func TestRequest_TakePlace_refused(t *testing.T) {
	dir := t.TempDir()
	old := signed(t, dir)
	fresh := signed(t, filepath.Join(dir, "renewal"))
	was := pairOf(t, dir)
	cert, err := os.ReadFile(fresh.certificate())
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := os.ReadFile(old.certificate())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{wrong, nil} {
		if err := os.WriteFile(fresh.certificate(), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := fresh.TakePlace(dir); err == nil {
			t.Errorf("took %q for the certificate of the key", text)
		}
		if got := pairOf(t, dir); !bytes.Equal(got.Certificate[0], was.Certificate[0]) {
			t.Error("the old ones are gone")
		}
	}
	if err := os.WriteFile(fresh.certificate(), cert, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := fresh.TakePlace(dir); err != nil {
		t.Error(err)
	}
}
