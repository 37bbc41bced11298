package pki_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/shared/config"
	"piway/shared/pki"
)

func TestFiles_Client_mistakes(t *testing.T) {
	dir, good := made(t)
	_, other := made(t)
	rsaCert, rsaKey := rsaPair(t, time.Now().Add(-time.Minute))
	put := func(name, text string) string { return write(t, filepath.Join(dir, name), []byte(text)) }
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := pem.Decode(read(t, good.Cert))
	absent := filepath.Join(dir, "absent")

	with := func(change func(*pki.Files)) pki.Files {
		f := good
		f.Roots = append([]string(nil), good.Roots...)
		change(&f)
		return f
	}
	cert := func(path string) pki.Files { return with(func(f *pki.Files) { f.Cert = path }) }
	key := func(path string) pki.Files { return with(func(f *pki.Files) { f.Key = path }) }
	root := func(path string) pki.Files { return with(func(f *pki.Files) { f.Roots = append(f.Roots, path) }) }

	for _, c := range []struct {
		name  string
		files pki.Files
		want  []string // each in the error, in this order
	}{
		{"absent", pki.Files{Roots: []string{absent}, Cert: absent, Key: absent}, []string{
			"reading the root certificate: open " + absent, "try: put the file there",
			"reading the certificate: open " + absent, "try: put the file there",
			"reading the private key: open " + absent, "try: put the file there",
		}},
		{"not named", pki.Files{}, []string{
			"root certificate: no file is named", "the certificate: no file is named",
			"private key: no file is named", "try: set its path",
		}},
		{"a folder", cert(dir), []string{"reading the certificate: read " + dir, "is a directory"}},
		{"swapped", pki.Files{Roots: good.Roots, Cert: good.Key, Key: good.Cert}, []string{
			"the certificate " + good.Key + ": is a private key, try: see whether", "swapped",
			"the private key " + good.Cert + ": is a certificate, try: see whether", "swapped",
		}},
		{
			"key of another certificate", key(other.Key),
			[]string{"private key " + other.Key + ": is not the key of " + good.Cert, "try: use the two files"},
		},
		{"key of another kind", key(rsaKey), []string{"private key " + rsaKey + ": is not the key of " + good.Cert}},
		{"empty", cert(put("empty", "\n")), []string{"the certificate " + dir, "empty: is empty, try: "}},
		{"not PEM", cert(put("text", "hello")), []string{"the certificate " + dir, "text: is not PEM", "try: download"}},
		{
			"cut off", key(put("cut", string(read(t, good.Key)[:100]))),
			[]string{"the private key " + dir, "cut: is not PEM", "try: download"},
		},
		{"DER", cert(put("der", string(der.Bytes))), []string{"der: is DER, not PEM, try: openssl x509 -inform der -in " +
			dir}},
		{
			"damaged certificate", cert(put("bad", string(encode("CERTIFICATE", []byte("x"))))),
			[]string{"bad: x509: ", "try: download"},
		},
		{
			"damaged key", key(put("badkey", string(encode("PRIVATE KEY", []byte("x"))))),
			[]string{"badkey: asn1: ", "try: download"},
		},
		{
			"request", cert(put("csr", string(encode("CERTIFICATE REQUEST", []byte("x"))))),
			[]string{`csr: has no certificate but a "CERTIFICATE REQUEST", try: `},
		},
		{
			"public key", key(put("public", string(encode("PUBLIC KEY", []byte("x"))))),
			[]string{"public: is a public key, try: use the file named *-private.pem.key"},
		},
		{
			"no key", key(put("params", string(encode("EC PARAMETERS", []byte("x"))))),
			[]string{`params: has no private key but a "EC PARAMETERS"`},
		},
		{
			"locked key", key(put("locked", string(encode("ENCRYPTED PRIVATE KEY", []byte("x"))))),
			[]string{"locked: is locked by a passphrase, try: openssl pkey -in "},
		},
		{
			"key that cannot sign", key(put("x25519", string(encode("PRIVATE KEY", x25519)))),
			[]string{"x25519: cannot sign", "try: use an RSA or ECDSA key"},
		},
		{"root that is a key", root(good.Key), []string{"the root certificate " + good.Key + ": is a private key"}},
		{"root that is nothing", root(put("notes", "x")), []string{"the root certificate " + dir, "notes: is not PEM"}},
		{"too large", cert(put("large", strings.Repeat("x", 1<<20+1))), []string{"large: has more than 1048576 bytes"}},
		{"expired", pki.Files{Roots: good.Roots, Cert: rsaCert, Key: rsaKey}, []string{
			"checking the certificate " + rsaCert + ": expired on 20", "clock says 20", "try: if the clock is right",
		}},
		{"expired and mismatched", cert(rsaCert), []string{"expired on", "is not the key of"}},
		{
			"only an expired root",
			pki.Files{Roots: []string{rsaCert}, Cert: good.Cert, Key: good.Key},
			[]string{"checking the root certificate " + rsaCert + ": expired on"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.files.Client("localhost", time.Now())
			rest := errText(err)
			for _, part := range c.want {
				_, after, ok := strings.Cut(rest, part)
				if !ok {
					t.Fatalf("got %v\nwant %q in it, in this order", err, c.want)
				}
				rest = after
			}
			if strings.Contains(errText(err), "try: ") && config.Hint(err) == "" {
				t.Errorf("config.Hint finds no hint in %v", err)
			}
		})
	}
}

func TestFiles_Client_clock(t *testing.T) {
	_, files := made(t)
	if _, err := files.Client("localhost", time.Time{}); err != nil {
		t.Errorf("at no time: %v", err)
	}
	for _, c := range []struct {
		now  time.Time
		want string
	}{
		{time.Date(1970, 1, 1, 0, 1, 0, 0, time.UTC), "and this machine's clock says 1970-01-01 00:01 UTC, try: set the " +
			"clock, or wait until NTP has set it"},
		{time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC), ": expired on 2049-12-31 23:59 UTC, and this machine's clock says " +
			"2050-01-01 00:00 UTC, try: if the clock is right"},
		{time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC), ""},
	} {
		_, err := files.Client("localhost", c.now)
		if got := errors.Is(err, pki.ErrTime); got != (c.want != "") {
			t.Errorf("at %s: %v is ErrTime: %t", c.now, err, got)
		}
		for _, what := range []string{"the certificate " + files.Cert, "the root certificate " + files.Roots[0]} {
			if c.want == "" && err == nil {
				continue
			}
			if text := errText(err); c.want == "" || !strings.Contains(text, c.want) || !strings.Contains(text, what) {
				t.Errorf("at %s: got %v\nwant %q of %s", c.now, err, c.want, what)
			}
		}
	}
}

func TestFiles_Client_keepsAllRootsAndTheChain(t *testing.T) {
	_, files := made(t)
	_, other := made(t)
	old, _ := rsaPair(t, time.Now().Add(-time.Hour))
	files.Roots = append(files.Roots, other.Roots[0], old)
	write(t, files.Cert, append(read(t, files.Cert), read(t, other.Roots[0])...)) // of an authority
	got, err := files.Client("iot.example", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	want := x509.NewCertPool()
	for _, path := range files.Roots {
		want.AppendCertsFromPEM(read(t, path))
	}
	if !got.RootCAs.Equal(want) {
		t.Error("the pool does not hold the roots of all files")
	}
	if n := len(got.Certificates[0].Certificate); n != 2 {
		t.Errorf("got a chain of %d certificates, want 2", n)
	}
	if got.ServerName != "iot.example" || got.MinVersion != tls.VersionTLS12 {
		t.Errorf("got server name %q, least version %x, want iot.example, TLS 1.2", got.ServerName, got.MinVersion)
	}
}

func TestFiles_Client_takesRSAAndECKeys(t *testing.T) {
	_, files := made(t)
	var rsaFiles pki.Files
	rsaFiles.Roots = files.Roots
	rsaFiles.Cert, rsaFiles.Key = rsaPair(t, time.Now().Add(time.Hour))
	if _, err := rsaFiles.Client("", time.Now()); err != nil {
		t.Errorf("RSA: %v", err)
	}
	block, _ := pem.Decode(read(t, files.Key))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	// openssl ecparam -genkey writes the curve first.
	write(t, files.Key, append(encode("EC PARAMETERS", []byte{6}), encode("EC PRIVATE KEY", der)...))
	if _, err := files.Client("", time.Now()); err != nil {
		t.Errorf("EC: %v", err)
	}
}

func TestExpires(t *testing.T) {
	_, files := made(t)
	end := time.Now().Add(20 * 24 * time.Hour).UTC().Truncate(time.Second)
	files.Cert, files.Key = rsaPair(t, end)
	shown, err := files.Client("", end.Add(-time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(files.Cert); err != nil {
		t.Fatal(err)
	}
	if got, ok := pki.Expires(shown); !ok || !got.Equal(end) {
		t.Errorf("got %v, %v, want %v", got, ok, end)
	}
	for _, none := range []*tls.Config{nil, {MinVersion: tls.VersionTLS12}} {
		if got, ok := pki.Expires(none); ok {
			t.Errorf("without a certificate: got %v", got)
		}
	}
}
