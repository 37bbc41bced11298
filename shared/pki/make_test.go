package pki_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"piway/shared/pki"
)

func TestMakeAWS_namesAndModes(t *testing.T) {
	dir, files := made(t)
	id := regexp.MustCompile(`^[0-9a-f]{64}`).FindString(filepath.Base(files.Cert))
	want := map[string]fs.FileMode{
		"AmazonRootCA1.pem": 0o644, "client-ca.pem": 0o644, "server.pem.crt": 0o644, "server.pem.key": 0o600,
		id + "-certificate.pem.crt": 0o644, id + "-private.pem.key": 0o600,
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if mode, ok := want[e.Name()]; !ok || info.Mode() != mode {
			t.Errorf("got %s with mode %v, want %v (0 = no such file)", e.Name(), info.Mode(), mode)
		}
		delete(want, e.Name())
	}
	if len(want) > 0 {
		t.Errorf("not made: %v", want)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: got %v, %v, want mode 0700", info.Mode(), err)
	}
}

func TestMakeAWS_leavesAUsedFolderAlone(t *testing.T) {
	for _, name := range []string{
		"AmazonRootCA3.pem", "x-certificate.pem.crt", "x-private.pem.key", "server.pem.crt",
		"server.pem.key", "client-ca.pem",
	} {
		t.Run(name, func(t *testing.T) {
			dir := folderOf(t, name)
			if err := pki.MakeAWS(dir, nil); !errors.Is(err, pki.ErrExists) {
				t.Errorf("got %v, want ErrExists", err)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
				t.Errorf("got %v, %v, want only %s", entries, err, name)
			}
		})
	}
	if err := pki.MakeAWS(folderOf(t, "README.md"), nil); err != nil {
		t.Errorf("a folder without certificates: %v", err)
	}
}

func TestMakeAWS_refusesHostsThatAreNone(t *testing.T) {
	for _, host := range []string{"", "host:8883", "mqtts://host", "a b", "grüße"} {
		dir := filepath.Join(t.TempDir(), "certs")
		if err := pki.MakeAWS(dir, []string{"localhost", host}); err == nil {
			t.Errorf("%q: got nil, want an error", host)
		}
		if found, err := os.ReadDir(dir); len(found) > 0 {
			t.Errorf("%q: left %v behind (%v)", host, found, err)
		}
	}
}

func TestServer_takesItsClientOnly(t *testing.T) {
	dir, own := made(t)
	_, stranger := made(t)
	server, err := pki.Server(dir)
	if err != nil {
		t.Fatal(err)
	}
	strangerTrusting := stranger
	strangerTrusting.Roots = own.Roots
	for _, c := range []struct {
		name, host string
		files      pki.Files
		change     func(*tls.Config)
		ok         bool
	}{
		{"its client", "localhost", own, nil, true},
		{"its client, by address", "127.0.0.1", own, nil, true},
		{"its client, TLS 1.2", "::1", own, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, true},
		{"its client, TLS 1.1", "localhost", own, func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS11,
				tls.VersionTLS11
		}, false},
		{"wrong name", "example.org", own, nil, false},
		{"a client of another authority", "localhost", strangerTrusting, nil, false},
		{"a client that trusts another root", "localhost", stranger, nil, false},
		{"no certificate", "localhost", own, func(c *tls.Config) { c.Certificates = nil }, false},
		{"a server's certificate", "localhost", pki.Files{
			Roots: own.Roots, Cert: filepath.Join(dir, "server.pem.crt"), Key: filepath.Join(dir, "server.pem.key"),
		}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, err := c.files.Client(c.host, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if c.change != nil {
				c.change(client)
			}
			if err := shake(t, server, client); (err == nil) != c.ok {
				t.Errorf("got %v, want success %v", err, c.ok)
			}
		})
	}
}

func TestMakeAWS_hosts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	hosts := []string{"localcore", "192.0.2.7"}
	if err := pki.MakeAWS(dir, hosts); err != nil {
		t.Fatal(err)
	}
	server, err := pki.Server(dir)
	if err != nil {
		t.Fatal(err)
	}
	files, err := pki.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localcore", "192.0.2.7", "localhost"} {
		client, err := files.Client(host, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := shake(t, server, client); (err == nil) != slices.Contains(hosts, host) {
			t.Errorf("%s: got %v, want success for %v only", host, err, hosts)
		}
	}
}

func TestMakeAWS_certificatesServeOnePurpose(t *testing.T) {
	dir, files := made(t)
	for path, want := range map[string]x509.ExtKeyUsage{
		files.Cert: x509.ExtKeyUsageClientAuth, filepath.Join(dir, "server.pem.crt"): x509.ExtKeyUsageServerAuth,
	} {
		block, _ := pem.Decode(read(t, path))
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(cert.ExtKeyUsage, []x509.ExtKeyUsage{want}) || cert.IsCA {
			t.Errorf("%s: got uses %v, authority %v, want only %v", path, cert.ExtKeyUsage, cert.IsCA, want)
		}
	}
}

func TestServer_mistakes(t *testing.T) {
	for _, name := range []string{"server.pem.crt", "server.pem.key", "client-ca.pem"} {
		dir, _ := made(t)
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := pki.Server(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("without %s: got %v, want not exist", name, err)
		}
	}
}

// shake makes a TLS handshake over a pipe and returns what either side says against it.
func shake(t *testing.T, server, client *tls.Config) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	a, b := net.Pipe()
	served := make(chan error, 1)
	go func() {
		defer a.Close() //nolint:errcheck // only a pipe
		served <- tls.Server(a, server).HandshakeContext(ctx)
	}()
	defer b.Close() //nolint:errcheck // only a pipe
	if err := b.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	conn := tls.Client(b, client)
	err := conn.HandshakeContext(ctx)
	if err == nil {
		// In TLS 1.3 the client has finished before the server judges its certificate: the end comes by reading.
		if _, err = conn.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
			err = nil
		}
	}
	_ = b.Close() // so that the server's side ends too
	return errors.Join(err, <-served)
}
