package trial

import (
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"piway/shared/config"
	"piway/shared/files"
)

// The services' user can read what root has made, or root is told how.
func TestStart_owner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("no user nobody:", err)
	}
	uid, err := strconv.Atoi(nobody.Uid)
	if err != nil {
		t.Fatal(err)
	}
	theirs := func(b *bench) {
		t.Helper()
		err := filepath.WalkDir(b.certs, func(path string, _ fs.DirEntry, err error) error {
			if owner, ok := files.Owner(path); err == nil && (!ok || owner != uid) {
				t.Errorf("got %s of %d, %t, want it of %d", path, owner, ok, uid)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	b := newBench(t) // its folder is not there
	b.user = "nobody"
	if err := Start(t.Context(), b.options()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	theirs(b)

	b = newBench(t) // with what root has left there
	b.user = "nobody"
	if err := os.Mkdir(b.certs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.certs, "piway-gateway.csr.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err = Start(t.Context(), b.options())
	hint, ok := strings.CutPrefix(config.Hint(err), "sudo ")
	if !ok || !strings.HasPrefix(hint, "chown -R ") {
		t.Fatalf("got %v, want to be told to give the folder away", err)
	}
	b.expect("unreadable")
	words := strings.Fields(hint)
	if out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := Start(t.Context(), b.options()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	theirs(b)
}
