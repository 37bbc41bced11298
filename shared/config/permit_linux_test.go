package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func TestPermit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	denied := fmt.Errorf("open x: %w", fs.ErrPermission)
	us := fmt.Sprintf("%d:%d ", os.Geteuid(), os.Getegid())
	for path, want := range map[string]string{
		file: "sudo chown " + us + file, dir: "sudo chown -R " + us + dir, filepath.Join(dir, "no"): "sudo chown " + us,
	} {
		if got := Hint(Permit(denied, path)); !strings.Contains(got, want) || strings.Contains(got, "enter") {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	if err := Permit(fs.ErrNotExist, file); Hint(err) != "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want another error as it is", err)
	}
	if Permit(nil, file) != nil {
		t.Error("got an error of none")
	}
}

// What is another user's is perhaps run as the wrong one.
func TestPermit_anotherOwner(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(file, 65534, 65534); err != nil {
		t.Skip("giving a file away needs root")
	}
	if got := Hint(Permit(fs.ErrPermission, file)); !strings.HasPrefix(got, "sudo, or run this as its owner, user id 65534") {
		t.Errorf("got %q, want its owner first", got)
	}
}

// What is in another user's closed folder is his, too.
func TestPermit_anotherOwnersFolder(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("giving a folder away needs root")
	}
	above := t.TempDir()
	for dir := above; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { // for the other user to see what is in it
			t.Fatal(err)
		}
	}
	dir := filepath.Join(above, "service")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(65533); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setfsuid(0) //nolint:errcheck // it has no error to give
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the folder for temporary files is closed to other users")
	}
	got := Hint(Permit(fs.ErrPermission, filepath.Join(dir, "device.key")))
	if !strings.HasPrefix(got, "sudo, or run this as its owner, user id 65534") {
		t.Errorf("got %q, want the folder's owner first", got)
	}
}

// What keeps a program from keeping its data is told with what mends it.
func TestPermitData(t *testing.T) {
	dir := t.TempDir()
	for err, want := range map[error]string{
		syscall.ENOSPC: "df -h " + dir, syscall.EROFS: "writable", syscall.ENOTDIR: "not a file", syscall.EIO: "",
		syscall.EACCES: fmt.Sprintf("sudo chown -R %d:%d %s", os.Geteuid(), os.Getegid(), dir),
	} {
		got := PermitData(fmt.Errorf("open x: %w", err), dir)
		if !errors.Is(got, err) || !strings.Contains(Hint(got), want) || (want == "") != (Hint(got) == "") {
			t.Errorf("got %v, want %q", got, want)
		}
	}
	if os.Chown(dir, 65534, 65534) != nil {
		return // giving it away needs root
	}
	if got := Hint(PermitData(fs.ErrPermission, dir)); !strings.HasPrefix(got, "this with sudo: the folder is of user id 65534") {
		t.Errorf("another service's: got %q", got)
	}
}
