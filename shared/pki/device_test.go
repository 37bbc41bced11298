package pki_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/shared/config"
	"piway/shared/pki"
)

func TestMakeDeviceKey(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "piway", "device.key")
	made, err := pki.MakeDeviceKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, filepath.Dir(path)); len(got) != 1 || got[0] != "device.key 0600" {
		t.Errorf("got %q", got)
	}
	loaded, err := pki.LoadDeviceKey(path)
	if err != nil || !loaded.Leaf.Equal(made.Leaf) {
		t.Errorf("loaded: %v, want the same certificate each time", err)
	}
	if c := made.Leaf; c.Subject.CommonName != "piway device" || c.IsCA || c.NotBefore.Unix() != 0 || c.NotAfter.Year() != 2099 {
		t.Errorf("got %s, %s to %s", c.Subject, c.NotBefore, c.NotAfter)
	}
	before := read(t, path)
	if _, err := pki.MakeDeviceKey(path); !errors.Is(err, fs.ErrExist) || config.Hint(err) == "" {
		t.Errorf("again: got %v, want fs.ErrExist", err)
	}
	if string(read(t, path)) != string(before) {
		t.Error("again: the key is another one")
	}
	if got := names(t, filepath.Dir(path)); len(got) != 1 || got[0] != "device.key 0600" {
		t.Errorf("again: got %q", got)
	}
}

// What is there may be anything, and stays.
func TestMakeDeviceKey_something(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "device.key")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), path); err != nil {
		t.Fatal(err)
	}
	if _, err := pki.MakeDeviceKey(path); err == nil {
		t.Error("a link to nowhere was replaced or followed")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v, want the link only", entries, err)
	}
}

func TestLoadDeviceKey(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(p256)
	if err != nil {
		t.Fatal(err)
	}
	_, rsaKey := rsaPair(t, time.Now())
	parameters := string(encode("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7})) // as openssl ecparam -genkey
	_, a := authority(t)
	for name, c := range map[string]struct{ text, want string }{
		"P-256":         {pkcs8(t, p256), ""},
		"Ed25519":       {pkcs8(t, ed), ""},
		"SEC 1":         {parameters + string(encode("EC PRIVATE KEY", sec1)), ""},
		"P-384":         {pkcs8(t, p384), "of another kind"},
		"RSA":           {string(read(t, rsaKey)), "device.key: "},
		"empty":         {"", "device.key: is empty"},
		"a half":        {pkcs8(t, p256)[:100], "has no whole private key"},
		"a certificate": {string(a.PEM()), "has no whole private key"},
		"no DER":        {string(encode("PRIVATE KEY", []byte("x"))), "device.key: "},
	} {
		t.Run(name, func(t *testing.T) {
			cert, err := pki.LoadDeviceKey(write(t, filepath.Join(t.TempDir(), "device.key"), []byte(c.text)))
			if c.want != "" {
				if !strings.Contains(errText(err), c.want) || !strings.Contains(config.Hint(err), "pair this device again") {
					t.Errorf("got %v, want %q and what to do", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := meet(t, requesting(a), pki.Pinned([]pki.Sum{a.Pin()}, cert)); err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := pki.LoadDeviceKey(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(config.Hint(err), "--replace") {
		t.Errorf("absent: got %v", err)
	}
}
