package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"piway/shared/files"
)

// holds fails unless the file at path has this content and mode, and nothing else is in its folder.
func holds(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	info, serr := os.Lstat(path)
	if err := errors.Join(err, serr); err != nil || string(got) != text || info.Mode() != mode {
		t.Errorf("got %q, %v, %v, want %q with mode %v", got, info, err, text, mode)
	}
	if all, err := os.ReadDir(filepath.Dir(path)); err != nil || len(all) != 1 {
		t.Errorf("got %v, %v in the folder, want the file alone", all, err)
	}
}

func TestRewrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "folder", "gateway.yaml")
	if err := errors.Join(files.CanRewrite(path), files.Rewrite(path, []byte("a"), 0o646)); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "a", 0o646) // whatever the umask
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.yaml")
	if err := errors.Join(os.Symlink(path, link), files.CanRewrite(link),
		files.Rewrite(link, []byte("b"), 0o646)); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "b", 0o640)
	if to, err := os.Readlink(link); err != nil || to != path {
		t.Errorf("got %q, %v, want the link to stay", to, err)
	}
	if err := files.Rewrite(filepath.Dir(path), []byte("c"), 0o644); err == nil {
		t.Error("a folder was replaced")
	}
	if err := files.CanRewrite(filepath.Join(path, "in a file")); err == nil {
		t.Error("a file was taken for a folder")
	}
	holds(t, path, "b", 0o640)
	if all, err := os.ReadDir(filepath.Dir(filepath.Dir(path))); err != nil || len(all) != 1 {
		t.Errorf("got %v, %v, want nothing left beside the folder", all, err)
	}
}

// A service reads its configuration after root has changed it.
func TestRewrite_byRootKeepsTheOwner(t *testing.T) {
	dir := foreign(t)
	ours, theirs := filepath.Join(dir, "sub", "ours.yaml"), filepath.Join(dir, "theirs.yaml")
	if err := os.WriteFile(theirs, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(theirs, somebody-1, somebody); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(files.Rewrite(ours, nil, 0o644), files.Rewrite(theirs, []byte("b"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if got := owner(t, ours); got != somebody {
		t.Errorf("a new file belongs to %d, want its folder's owner %d", got, somebody)
	}
	if got := owner(t, theirs); got != somebody-1 {
		t.Errorf("got an owner of %d, want the one of before, %d", got, somebody-1)
	}
}
