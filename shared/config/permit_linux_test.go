package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
	if got := Hint(Permit(fs.ErrPermission, file)); !strings.Contains(got, "run this as its owner, user id 65534") {
		t.Errorf("got %q, want its owner", got)
	}
}
