package find

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// A folder into which this user may not look has no say.
func TestNew_anothersMemory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	memory := filepath.Join(dir, "gateway")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(memory, []byte("not what an agent writes"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // who may look everywhere is another user on this thread
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = syscall.Setfsuid(0) }() // it has no error to give
	} else {
		if err := os.Chmod(dir, 0); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Chmod(dir, 0o700) }() // so that it can be removed
	}
	if _, err := os.ReadFile(memory); !errors.Is(err, os.ErrPermission) {
		t.Fatalf("it can be read: %v", err)
	}
	if _, err := New(Options{
		Search: Search{Addresses: []string{"a:1"}}, Memory: memory, Log: slog.New(slog.DiscardHandler),
	}); err != nil {
		t.Error(err)
	}
}
