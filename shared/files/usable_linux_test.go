package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func TestUsable(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Usable(dir); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("it left %v, %v", entries, err)
	}
	if err := Usable(filepath.Join(dir, "not", "there")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	if err := Usable(filepath.Join(dir, "a", "b")); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("below a file: got %v, want an error", err)
	}
}

// A folder or a file in it that is another user's is of no use.
func TestUsable_another(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user")
	}
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "roots"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	as := func() error {
		result := make(chan error)
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with its user
			// access(2) goes by the real user.
			if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, 65534, 65534, ^uintptr(0)); e != 0 {
				result <- e
				return
			}
			result <- Usable(dir)
		}()
		return <-result
	}
	if err := as(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("root's folder: got %v, want fs.ErrPermission", err)
	}
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if err := as(); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "roots") {
		t.Errorf("root's file: got %v, want fs.ErrPermission and the file", err)
	}
}

func TestIsOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if IsOpen(path) {
		t.Error("what is not there is open")
	}
	for mode, want := range map[fs.FileMode]bool{0o600: false, 0o640: false, 0o644: true, 0o606: true} {
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		if IsOpen(path) != want {
			t.Errorf("%o: got %t", mode, !want)
		}
	}
}
