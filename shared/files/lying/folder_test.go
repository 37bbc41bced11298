package lying_test

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"piway/shared/files/lying"
)

func TestFolder_changes(t *testing.T) {
	r := newRig(t)
	r.must(r.Rename(r.path("old"), r.path("new")))
	r.want("not synced", r.cut(nil), "old", "old")
	r.must(r.SyncDir(r.dir))
	r.want("synced", r.cut(nil), "new", "old")
	r.Fail(func(lying.Op) error { return &lying.Again{Err: syscall.EIO} })
	r.must(os.Rename(r.path("new"), r.path("old")))
	if err := r.SyncDir(r.dir); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v, want EIO", err)
	}
	r.Fail(nil)
	r.want("a sync that may be tried again", r.cut(nil), "new", "old")
	r.must(r.SyncDir(r.dir))
	r.want("tried again", r.cut(nil), "old", "old")
	r.must(r.Rename(r.path("old"), r.path("new")))
	r.must(r.SyncDir(r.dir))
	r.must(r.Remove(r.path("new")))
	r.want("not synced", r.cut(nil), "new", "old")
	r.failing(lying.SyncDir)
	if err := r.SyncDir(r.dir); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v, want EIO", err)
	}
	r.Fail(nil)
	r.must(r.SyncDir(r.dir))
	r.want("a failed sync forgets", r.cut(nil), "new", "old")
	if err := r.Remove(r.path("new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removing what is not there: got %v", err)
	}
}

func TestFolder_made(t *testing.T) {
	r := newRig(t)
	r.must(r.Mkdir(r.path("a/b"), 0o700))
	f := r.open("a/b/c")
	r.write(f, 0, "c")
	r.must(f.Sync())
	r.must(r.SyncDir(r.path("a/b")))
	r.want("cut", r.cut(nil), "old", "old", "a/b/c", "c")
	r.must(r.Rename(r.path("a/b/c"), r.path("c")))
	r.must(r.SyncDir(r.dir))
	r.want("one folder of two", r.cut(nil), "old", "old", "a/b/c", "c", "c", "c")
}

// What is done past the disk is noticed, and counts as not synced.
func TestFolder_changedBehindItsBack(t *testing.T) {
	r := newRig(t)
	r.must(os.Rename(r.path("old"), r.path("new")))
	r.must(os.WriteFile(r.path("other"), []byte("x"), 0o600))
	r.want("not synced", r.cut(nil), "old", "old")
	r.must(r.SyncDir(r.dir))
	r.want("synced", r.cut(nil), "new", "old", "other", "")
	r.must(r.open("other").Sync())
	r.want("file synced", r.cut(nil), "new", "old", "other", "x")
}
