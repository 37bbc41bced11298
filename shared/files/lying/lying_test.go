package lying_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/shared/files"
	"piway/shared/files/lying"
)

// A rig is a disk with one durable file "old" of the text "old".
type rig struct {
	*lying.Disk
	t   *testing.T
	dir string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "old"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &rig{lying.New(dir), t, dir}
	t.Cleanup(func() { r.must(r.Close()) })
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

func (r *rig) open(name string) files.File {
	r.t.Helper()
	f, err := r.OpenFile(r.path(name), os.O_CREATE|os.O_RDWR, 0o600)
	r.must(err)
	r.t.Cleanup(func() { _ = f.Close() })
	return f
}

func (r *rig) write(f files.File, at int64, text string) {
	r.t.Helper()
	_, err := f.WriteAt([]byte(text), at)
	r.must(err)
}

// failing lets all operations of a kind fail with EIO.
func (r *rig) failing(kind string) {
	r.Fail(func(op lying.Op) error {
		if op.Kind == kind {
			return syscall.EIO
		}
		return nil
	})
}

// visible returns the files of the disk, by name.
func (r *rig) visible() map[string]string { return r.read(r.dir) }

// cut returns what a power cut leaves.
func (r *rig) cut(rng *rand.Rand) map[string]string {
	r.t.Helper()
	to := r.t.TempDir()
	r.must(r.Cut(to, rng))
	return r.read(to)
}

func (r *rig) read(dir string) map[string]string {
	r.t.Helper()
	all := map[string]string{}
	r.must(filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = string(text)
		return err
	}))
	return all
}

func (r *rig) want(what string, got map[string]string, want ...string) {
	r.t.Helper()
	all := map[string]string{}
	for i := 0; i < len(want); i += 2 {
		all[want[i]] = want[i+1]
	}
	if diff := cmp.Diff(all, got); diff != "" {
		r.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestCut_fileNeedsSyncAndEntry(t *testing.T) {
	r := newRig(t)
	f := r.open("new")
	r.write(f, 0, "new")
	r.want("nothing synced", r.cut(nil), "old", "old")
	r.must(f.Sync())
	r.want("file synced", r.cut(nil), "old", "old")
	r.must(r.SyncDir(r.dir))
	r.want("folder synced", r.cut(nil), "old", "old", "new", "new")
	r.write(f, 3, "er")
	r.want("written again", r.cut(nil), "old", "old", "new", "new")
	r.want("visible", r.visible(), "old", "old", "new", "newer")
}

func TestCut_entryWithoutBytes(t *testing.T) {
	r := newRig(t)
	r.write(r.open("new"), 0, "new")
	r.must(r.SyncDir(r.dir))
	r.want("folder synced", r.cut(nil), "old", "old", "new", "")
}

func TestSync_failedForgets(t *testing.T) {
	r := newRig(t)
	f := r.open("old")
	r.write(f, 0, "new")
	r.failing(lying.Sync)
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v, want EIO", err)
	}
	r.Fail(nil)
	r.must(f.Sync())
	r.want("after a sync that failed and one that did not", r.cut(nil), "old", "old")
	r.want("visible", r.visible(), "old", "new")
	r.write(f, 1, "EW")
	r.must(f.Sync())
	r.want("with a part written again", r.cut(nil), "old", "oEW")
	r.must(r.Drop())
	r.want("visible after the cache forgot", r.visible(), "old", "oEW")
}

func TestSync_failedAndGrown(t *testing.T) {
	r := newRig(t)
	f := r.open("old")
	r.write(f, 3, "er")
	r.failing(lying.Sync)
	_ = f.Sync() // fails
	r.Fail(nil)
	r.want("cut", r.cut(nil), "old", "old")
	r.write(f, 5, "!")
	r.must(f.Sync())
	r.want("a hole", r.cut(nil), "old", "old\x00\x00!")
	r.must(r.Drop())
	r.want("visible", r.visible(), "old", "old\x00\x00!")
}

func TestSync_wholeBlocks(t *testing.T) {
	r := newRig(t)
	r.Block = 4096
	f := r.open("old")
	r.write(f, 0, "new")
	r.failing(lying.Sync)
	_ = f.Sync() // fails
	r.Fail(nil)
	r.write(f, 3, "er")
	r.must(f.Sync())
	r.want("the page was written again", r.cut(nil), "old", "newer")
}

func TestSync_partly(t *testing.T) {
	r := newRig(t)
	f := r.open("old")
	r.write(f, 4094, "aabb")
	r.Fail(func(op lying.Op) error {
		if op.Kind == lying.Sync {
			return &lying.Partly{Wrote: func(at int64) bool { return at == 4096 }, Err: syscall.EIO}
		}
		return nil
	})
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v, want EIO", err)
	}
	got := r.cut(nil)["old"]
	if want := "old" + string(make([]byte, 4093)) + "bb"; got != want {
		t.Errorf("got %d bytes %.3q…%q, want the second page only", len(got), got, got[min(len(got), 4090):])
	}
}

func TestWrite_short(t *testing.T) {
	r := newRig(t)
	f := r.open("old")
	r.Fail(func(op lying.Op) error {
		want := lying.Op{Kind: lying.Write, Path: r.path("old"), Offset: 1, Length: 3}
		if op != want {
			t.Errorf("got %+v, want %+v", op, want)
		}
		return &lying.Short{N: 1, Err: syscall.ENOSPC}
	})
	if n, err := f.WriteAt([]byte("xyz"), 1); n != 1 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %d, %v, want 1, ENOSPC", n, err)
	}
	r.want("visible", r.visible(), "old", "oxd")
	r.Fail(nil)
	r.must(f.Sync())
	r.want("cut", r.cut(nil), "old", "oxd")
}

func TestWrite_failedWritesNothing(t *testing.T) {
	r := newRig(t)
	f := r.open("old")
	r.failing(lying.Write)
	if n, err := f.Write([]byte("xyz")); n != 0 || !errors.Is(err, syscall.EIO) {
		t.Errorf("got %d, %v, want 0, EIO", n, err)
	}
	r.want("visible", r.visible(), "old", "old")
}

func TestTruncate(t *testing.T) {
	r := newRig(t)
	f := r.open("old")
	r.must(f.Truncate(1))
	r.write(f, 2, "x")
	r.want("not synced", r.cut(nil), "old", "old")
	r.must(f.Sync())
	r.want("synced", r.cut(nil), "old", "o\x00x")
	g, err := r.OpenFile(r.path("old"), os.O_TRUNC|os.O_APPEND|os.O_WRONLY, 0)
	r.must(err)
	for _, text := range []string{"a", "b"} {
		_, err := g.Write([]byte(text))
		r.must(err)
	}
	r.want("not synced", r.cut(nil), "old", "o\x00x")
	r.must(errors.Join(g.Sync(), g.Close()))
	r.want("synced", r.cut(nil), "old", "ab")
}

func TestKill(t *testing.T) {
	r := newRig(t)
	f := r.open("old")
	r.write(f, 0, "new")
	r.Kill()
	if err := f.Sync(); !errors.Is(err, lying.ErrKilled) {
		t.Errorf("sync: got %v", err)
	}
	if err := r.Remove(r.path("old")); !errors.Is(err, lying.ErrKilled) {
		t.Errorf("remove: got %v", err)
	}
	r.Start()
	if _, err := f.Write([]byte("x")); !errors.Is(err, lying.ErrKilled) {
		t.Errorf("write to what was open: got %v", err)
	}
	r.want("visible", r.visible(), "old", "new")
	r.want("cut", r.cut(nil), "old", "old")
	r.must(r.open("old").Sync())
	r.want("synced by the next", r.cut(nil), "old", "new")
}
