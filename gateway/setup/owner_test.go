package setup

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/gateway/settings"
)

// serviceUser is the user that the service runs as.
const serviceUser = 65534

// A key that root made is of no use to the gateway's user: who makes it is told how to hand it over.
func TestOwner_key(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := t.TempDir()
	cfg := settings.Default()
	cfg.Data.Dir, cfg.Uplink.Certs.Dir = filepath.Join(dir, "data"), filepath.Join(dir, "certs")
	if _, err := newRequest(cfg.Uplink.Certs.Dir); err != nil {
		t.Fatal(err)
	}
	expect := func(when, want string) {
		t.Helper()
		if got := keyReader(&cfg); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", when, got, want)
		}
	}
	expect("no data folder yet", "sudo chown -R USER: "+cfg.Uplink.Certs.Dir)
	if err := os.Mkdir(cfg.Data.Dir, 0o750); err != nil {
		t.Fatal(err)
	}
	expect("root runs the gateway", "")
	if err := os.Chown(cfg.Data.Dir, serviceUser, serviceUser); err != nil {
		t.Fatal(err)
	}
	expect("a service runs it", fmt.Sprintf("sudo chown -R %d:%d %s", serviceUser, serviceUser, cfg.Uplink.Certs.Dir))

	// A folder that is the service's already gets files that it can read.
	cfg.Uplink.Certs.Dir = filepath.Join(dir, "own")
	if err := os.Mkdir(cfg.Uplink.Certs.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(cfg.Uplink.Certs.Dir, serviceUser, serviceUser); err != nil {
		t.Fatal(err)
	}
	if _, err := newRequest(cfg.Uplink.Certs.Dir); err != nil {
		t.Fatal(err)
	}
	expect("a folder of the service's", "")
	if uid, _, err := ownerOf(certFile(cfg.Uplink.Certs.Dir, csrEnd)); err != nil || uid != serviceUser {
		t.Errorf("got a request of %d, %v, want it of %d", uid, err, serviceUser)
	}
}
