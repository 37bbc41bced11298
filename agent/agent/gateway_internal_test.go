package agent

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"piway/shared/pki"
	"piway/shared/testlog"
)

func TestPassword_notBesideAKey(t *testing.T) {
	t.Parallel()
	cfg := Default()
	cfg.Device, cfg.Gateway.Password, cfg.Gateway.Username = "kitchen", "hush", "me"
	if cfg.password() != "hush" || cfg.Username() != "me" {
		t.Errorf("got %q, %q", cfg.Username(), cfg.password())
	}
	cfg.Gateway.KeyFile = "/key"
	if cfg.password() != "" || cfg.Username() != "kitchen" {
		t.Errorf("with a key: got %q, %q, want the name of the topics and no password", cfg.Username(), cfg.password())
	}
}

// A key that every user of the machine can read is told of, and used: it may be the only one.
func TestFind_openKey(t *testing.T) {
	t.Parallel()
	cfg := Default()
	cfg.Gateway.KeyFile = filepath.Join(t.TempDir(), "device.key")
	if _, err := pki.MakeDeviceKey(cfg.Gateway.KeyFile); err != nil {
		t.Fatal(err)
	}
	cfg.Gateway.Pins, cfg.Spool.Dir = []pki.Sum{{1}}, ""
	for mode, told := range map[os.FileMode]int{0o600: 0, 0o640: 0, 0o644: 1} {
		if err := os.Chmod(cfg.Gateway.KeyFile, mode); err != nil {
			t.Fatal(err)
		}
		said := new(testlog.Log)
		if _, err := cfg.finder(slog.New(slog.NewTextHandler(said, nil))); err != nil {
			t.Fatal(err)
		}
		if got := said.Count("every user of this machine", "chmod o= "+cfg.Gateway.KeyFile); got != told {
			t.Errorf("mode %o: told %d times\n%s", mode, got, said)
		}
	}
}
