package notify

import (
	"os"
	"path/filepath"
	"testing"
)

// A file of the kernel that cannot be read any more is for ever ready, so that waiting must end.
func TestWatch_ends_with_the_first_failed_read(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gone")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600) // no read of it succeeds
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	w := &watch{telling: map[string]*os.File{path: file}, changed: func(read func(string) (string, error)) {
		if text, err := read(path); err == nil {
			t.Errorf("got %q", text)
		}
	}}
	if err := w.look(t.Context()); err == nil {
		t.Error("it goes on")
	}
}
