package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadText(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := strings.Repeat("0123456789", 2000)
	if err := os.WriteFile(filepath.Join(dir, "long"), []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadText(filepath.Join(dir, "long")); got != long || err != nil {
		t.Errorf("got %d bytes, %v; want %d", len(got), err, len(long))
	}
	if _, err := ReadText(filepath.Join(dir, "gone")); !errors.Is(err, ErrAbsent) {
		t.Errorf("gone: got %v, want ErrAbsent", err)
	}
	if _, err := ReadText(dir); err == nil || errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a folder: got %v, want an error with its name", err)
	}
	if err := os.Truncate(filepath.Join(dir, "long"), maxText+1); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadText(filepath.Join(dir, "long")); err == nil {
		t.Error("got no error for a file without end")
	}
}
