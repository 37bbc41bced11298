package gateway

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/queue/ledger"
	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/pki"
	"piway/shared/testlog"
)

// A certificate that is not valid now does not keep the gateway from the LAN, and one that is valid at last is used
// without a restart.
func TestCertificates_notInTime(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		from, to time.Duration // from now
		why      string
	}{
		"expired":   {-2 * day, -day, "expired on"},
		"too early": {day, 2 * day, "not valid before"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cfg := worldConfig(cloud.Metric)
			w := newWorld(t, nil, nil, &cfg)
			files, err := pki.Find(w.certs)
			if err != nil {
				t.Fatal(err)
			}
			good := spoil(t, files, time.Now().Add(c.from), time.Now().Add(c.to))
			if err := Ready(&cfg); err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("ready for AWS: %v, want %q", err, c.why)
			}
			p := w.gateway(&cfg, "kitchen")
			p.report("kitchen", "load", 1)
			p.said.Want(ctx, t, "no certificate for AWS can be used", c.why, "level=ERROR")
			if err := os.WriteFile(files.Cert, good, 0o600); err != nil {
				t.Fatal(err)
			}
			p.until(ctx, "it is sent", func(a ledger.Account) bool { return a.Sent == 1 })
			if said := p.said.With("no certificate for AWS can be used"); len(said) != 1 {
				t.Errorf("told %d times: %q", len(said), said)
			}
		})
	}
}

// Files that are half replaced cost no connection: what they were is used, and that is told once.
func TestCertificates_load_halfReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := pki.MakeAWS(dir, nil); err != nil {
		t.Fatal(err)
	}
	files, err := pki.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	said := new(testlog.Log)
	c := &certificates{cfg: settings.Certs{Dir: dir}, host: "localhost", log: slog.New(slog.NewTextHandler(said, nil))}
	before, err := c.load(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files.Key, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := c.load(time.Now()); err != nil || got != before {
			t.Fatalf("got another configuration or %v", err)
		}
	}
	if lines := said.With("certificate files cannot be used"); len(lines) != 1 || !strings.Contains(lines[0], "not PEM") {
		t.Errorf("told %q", lines)
	}
	fresh := &certificates{cfg: c.cfg, host: c.host, log: c.log}
	if got, err := fresh.load(time.Now()); err == nil || got != nil || config.Hint(err) == "" {
		t.Errorf("without former ones: got %v, %v", got, err)
	}
}

// A key that others may read is told once.
func TestCertificates_load_openKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := pki.MakeAWS(dir, nil); err != nil {
		t.Fatal(err)
	}
	files, err := pki.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]int{0o600: 0, 0o640: 0, 0o644: 1} {
		if err := os.Chmod(files.Key, mode); err != nil {
			t.Fatal(err)
		}
		said := new(testlog.Log)
		c := &certificates{cfg: settings.Certs{Dir: dir}, host: "localhost", log: slog.New(slog.NewTextHandler(said, nil))}
		for range 2 {
			if _, err := c.load(time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if lines := said.With("chmod 600 " + files.Key); len(lines) != want {
			t.Errorf("%o: told %q", mode, lines)
		}
	}
}

// spoil puts a certificate of the same key in the place of files.Cert, and returns what was there.
func spoil(t *testing.T, files pki.Files, from, to time.Time) (good []byte) {
	t.Helper()
	good, err := os.ReadFile(files.Cert)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	other := *pair.Leaf
	other.NotBefore, other.NotAfter = from, to
	public := pair.PrivateKey.(crypto.Signer).Public()
	der, err := x509.CreateCertificate(rand.Reader, &other, &other, public, pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files.Cert, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return good
}
