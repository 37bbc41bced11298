package pki_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"piway/shared/config"
	"piway/shared/pki"
)

// asNobody lets go of root's right to read all, for this thread and until the test ends.
func asNobody(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	runtime.LockOSThread()
	if err := syscall.Setfsuid(65534); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Setfsuid(0) // it has no error to give
		runtime.UnlockOSThread()
	})
}

// A folder that may not be read is another one's, and not the wrong one.
func TestFind_unreadableFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) }) // so that it can be removed
	asNobody(t)
	_, err := pki.Find(dir)
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(config.Hint(err), "sudo chown ") ||
		!strings.Contains(config.Hint(err), " "+dir) || strings.Contains(err.Error(), "name the folder") {
		t.Errorf("got %v, want whom it must belong to", err)
	}
}

// A file in a folder that may not be entered is not the file's fault.
func TestFiles_Client_closedFolder(t *testing.T) {
	dir, files := made(t)
	if err := os.Chmod(dir, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) }) // so that it can be removed
	asNobody(t)
	_, err := files.Client("localhost", time.Now())
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "let that user enter /") {
		t.Errorf("got %v, want the folder that may not be entered", err)
	}
}

// A key of which this program's user may see nothing is there.
func TestOpenAuthority_unreadableKey(t *testing.T) {
	dir, _ := authority(t)
	if err := os.Chmod(filepath.Join(dir, "ca.key"), 0); err != nil {
		t.Fatal(err)
	}
	t.Run("as nobody", func(t *testing.T) {
		asNobody(t)
		if _, err := pki.OpenAuthority(dir, nil); !errors.Is(err, os.ErrPermission) || config.Hint(err) == "" {
			t.Errorf("got %v, want whose it must be", err)
		}
	})
}
