package pki_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/shared/config"
	"piway/shared/pki"
)

// authority opens a new one.
func authority(t *testing.T, hosts ...string) (dir string, a *pki.Authority) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data", "pki")
	return dir, opened(t, dir, hosts...)
}

func opened(t *testing.T, dir string, hosts ...string) *pki.Authority {
	t.Helper()
	a, err := pki.OpenAuthority(dir, hosts)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOpenAuthority_certificates(t *testing.T) {
	dir, a := authority(t, "192.168.1.20", "Kitchen.local")
	if got := names(t, dir); !slices.Equal(got, []string{"ca.crt 0644", "ca.key 0600", "server.crt 0644", "server.key 0600"}) {
		t.Errorf("got files %q", got)
	}
	if !bytes.Equal(read(t, filepath.Join(dir, "ca.crt")), a.PEM()) {
		t.Error("ca.crt is not what PEM returns")
	}
	server := a.Certificate()
	leaf, ca := server.Leaf, parsed(t, server.Certificate[1])
	if got := pki.SumOfCert(ca); got != a.Pin() || len(server.Certificate) != 2 {
		t.Errorf("%d certificates, the second with sum %s, want two, and %s", len(server.Certificate), got, a.Pin())
	}
	if err := leaf.CheckSignatureFrom(ca); err != nil {
		t.Error(err)
	}
	if !ca.IsCA || !ca.MaxPathLenZero || leaf.IsCA || len(leaf.SubjectKeyId)+len(ca.SubjectKeyId) == 0 ||
		!bytes.Equal(leaf.AuthorityKeyId, ca.SubjectKeyId) {
		t.Error("constraints or key identifiers are not those of an authority and its server")
	}
	if !slices.Equal(leaf.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) {
		t.Errorf("got usage %v, want that of a server only", leaf.ExtKeyUsage)
	}
	for _, c := range []*x509.Certificate{leaf, ca} {
		if c.NotBefore.Unix() != 0 || c.NotAfter.Format(time.DateOnly) != "2099-12-31" {
			t.Errorf("valid from %s to %s", c.NotBefore, c.NotAfter)
		}
		if key, ok := c.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
			t.Errorf("got a %T", c.PublicKey)
		}
	}
	for _, host := range []string{pki.ServerName(a.Pin()), "kitchen.local", "192.168.1.20", "localhost", "127.0.0.1", "::1"} {
		if err := leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	if pem, err := pki.ReadCA(dir); err != nil || !bytes.Equal(pem, a.PEM()) {
		t.Errorf("ReadCA: %v, %s", err, pem)
	}
}

// The next process has the same, to the byte.
func TestOpenAuthority_again(t *testing.T) {
	dir, a := authority(t, "one", "two")
	before := texts(t, dir)
	b := opened(t, dir, "two", "one", "ONE.", "two")
	if diff := cmp.Diff(before, texts(t, dir)); diff != "" {
		t.Errorf("opened again (-before +after):\n%s", diff)
	}
	if !b.Certificate().Leaf.Equal(a.Certificate().Leaf) || b.Pin() != a.Pin() || !bytes.Equal(a.PEM(), b.PEM()) {
		t.Error("it is another one")
	}
}

// Whatever else is gone or spoilt, it is made anew of ca.key: agents, and programs with the old ca.crt, notice nothing.
func TestOpenAuthority_completes(t *testing.T) {
	dir, a := authority(t, "one")
	_, other := authority(t, "one")
	full := texts(t, dir)
	device, err := pki.MakeDeviceKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	spoil := map[string]func(name, text string) string{
		"gone":      nil,
		"empty":     func(string, string) string { return "" },
		"cut off":   func(_, text string) string { return text[:len(text)/2] },
		"no PEM":    func(string, string) string { return "\x00\x00\x00" },
		"its key's": func(string, string) string { return full["ca.key"] },
		"another's": func(name, text string) string {
			if name == "ca.crt" {
				return text // refused
			}
			return string(encode("CERTIFICATE", other.Certificate().Certificate[0]))
		},
		"a device's": func(name, text string) string {
			if name == "ca.crt" {
				return text // refused
			}
			return string(encode("CERTIFICATE", device.Certificate[0]))
		},
	}
	rest := []string{"ca.crt", "server.crt", "server.key"}
	for how, change := range spoil {
		for _, set := range []int{0b001, 0b010, 0b100, 0b111} {
			for i, name := range rest {
				path := filepath.Join(dir, name)
				switch {
				case set>>i&1 == 0:
					write(t, path, []byte(full[name]))
				case change == nil:
					if err := os.RemoveAll(path); err != nil {
						t.Fatal(err)
					}
				default:
					write(t, path, []byte(change(name, full[name])))
				}
			}
			b := opened(t, dir, "one")
			if b.Pin() != a.Pin() || !bytes.Equal(b.PEM(), a.PEM()) || string(read(t, filepath.Join(dir, "ca.crt"))) != full["ca.crt"] {
				t.Errorf("%s, %03b: it is another authority", how, set)
			}
			if err := greet(t, b.Certificate(), pki.Pinned([]pki.Sum{a.Pin()}, nil), 0); err != nil {
				t.Errorf("%s, %03b: %v", how, set, err)
			}
			if again := opened(t, dir, "one"); !again.Certificate().Leaf.Equal(b.Certificate().Leaf) {
				t.Errorf("%s, %03b: it is not on disk", how, set)
			}
		}
	}
}

// A key that is lost is never replaced, nor is anything else then.
func TestOpenAuthority_wrongKey(t *testing.T) {
	other, _ := authority(t)
	_, rsaKey := rsaPair(t, time.Now())
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ key, want string }{
		"gone":          {"", "is gone, and ca.crt is there"},
		"empty":         {" ", "ca.key: has no whole private key in PEM"},
		"cut off":       {string(read(t, filepath.Join(other, "ca.key"))[:80]), "ca.key: has no whole private key in PEM"},
		"another's":     {string(read(t, filepath.Join(other, "ca.key"))), "ca.key is not the key of ca.crt"},
		"RSA":           {string(read(t, rsaKey)), "ca.key: "},
		"Ed25519":       {pkcs8(t, edKey), "of another kind (ed25519.PrivateKey)"},
		"P-384":         {pkcs8(t, p384), "of another kind (*ecdsa.PrivateKey)"},
		"a certificate": {string(read(t, filepath.Join(other, "ca.crt"))), "ca.key: has no whole private key in PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := authority(t)
			if c.key == "" {
				if err := os.Remove(filepath.Join(dir, "ca.key")); err != nil {
					t.Fatal(err)
				}
			} else {
				write(t, filepath.Join(dir, "ca.key"), []byte(c.key))
			}
			before := texts(t, dir)
			_, err := pki.OpenAuthority(dir, []string{"new"})
			if !strings.Contains(errText(err), c.want) || !strings.Contains(config.Hint(err), "restore the folder from a backup") {
				t.Errorf("got %v, want %q and what to do", err, c.want)
			}
			if diff := cmp.Diff(before, texts(t, dir)); diff != "" {
				t.Errorf("the folder is changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestOpenAuthority_emptyKey(t *testing.T) {
	dir, _ := authority(t)
	write(t, filepath.Join(dir, "ca.key"), nil)
	if _, err := pki.OpenAuthority(dir, nil); !strings.Contains(errText(err), "ca.key: is empty") {
		t.Errorf("got %v", err)
	}
}

// What a command run by sudo makes in the data folder is the gateway's user's.
func TestOpenAuthority_owner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder to somebody else")
	}
	const somebody = 65534
	data := t.TempDir()
	if err := os.Chown(data, somebody, somebody); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(data, "pki")
	a := opened(t, dir)
	if _, err := a.Serve([]string{"new"}); err != nil {
		t.Fatal(err)
	}
	if _, err := pki.MakeDeviceKey(filepath.Join(dir, "device.key")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "ca.key", "ca.crt", "server.key", "server.crt", "device.key"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if uid := info.Sys().(*syscall.Stat_t).Uid; uid != somebody { //nolint:forcetypeassert // of a file of the system
			t.Errorf("%q belongs to %d", name, uid)
		}
	}
}

func TestAuthority_Serve(t *testing.T) {
	dir, a := authority(t, "one", "10.0.0.1")
	first := a.Certificate()
	for _, same := range [][]string{
		{"10.0.0.1", "one"},
		{"one", "one", "10.0.0.1", "One.", "::ffff:10.0.0.1"},
		{"one", "10.0.0.1", "localhost", "::1"},
		{"one", "10.0.0.1", "not a name", "", "0.0.0.0", pki.ServerName(a.Pin())},
	} {
		if changed, err := a.Serve(same); changed || err != nil || a.Certificate() != first {
			t.Errorf("%q: got %v, %v, want no change", same, changed, err)
		}
	}
	for _, other := range [][]string{{"one"}, {"one", "10.0.0.2"}, {"one", "10.0.0.2", "two"}, nil} {
		before := a.Certificate()
		if changed, err := a.Serve(other); !changed || err != nil || a.Certificate().Leaf.Equal(before.Leaf) {
			t.Errorf("%q: got %v, %v, want a new certificate", other, changed, err)
		}
		now := a.Certificate()
		if now.Leaf.SerialNumber.Cmp(before.Leaf.SerialNumber) == 0 || pki.SumOfCert(now.Leaf) != pki.SumOfCert(first.Leaf) {
			t.Errorf("%q: want another serial number, and the same key", other)
		}
		for _, h := range other {
			if err := now.Leaf.VerifyHostname(h); err != nil {
				t.Error(err)
			}
		}
		if b := opened(t, dir, other...); !b.Certificate().Leaf.Equal(now.Leaf) {
			t.Errorf("%q: the next process has another certificate", other)
		}
	}
	if a.Certificate().Leaf.VerifyHostname("two") == nil {
		t.Error("a name that is gone is in the certificate")
	}
}

func TestReadCA_mistakes(t *testing.T) {
	dir := t.TempDir()
	if _, err := pki.ReadCA(dir); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(config.Hint(err), "start the gateway") {
		t.Errorf("absent: got %v", err)
	}
	device, err := pki.MakeDeviceKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "x", string(encode("CERTIFICATE", device.Certificate[0]))} {
		write(t, filepath.Join(dir, "ca.crt"), []byte(text))
		if _, err := pki.ReadCA(dir); !strings.Contains(errText(err), "ca.crt holds none, try: restart the gateway") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// names returns the files of a folder with their modes.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Name()+" 0"+strconv.FormatUint(uint64(info.Mode().Perm()), 8))
	}
	return all
}

func texts(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range names(t, dir) {
		name, _, _ = strings.Cut(name, " ")
		all[name] = string(read(t, filepath.Join(dir, name)))
	}
	return all
}

func parsed(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func pkcs8(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(encode("PRIVATE KEY", der))
}
