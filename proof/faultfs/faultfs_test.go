package faultfs_test

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"piway/proof/faultfs"
)

func open(t *testing.T) (d *faultfs.Disk, path func(string) string) {
	t.Helper()
	if err := faultfs.Available(); err != nil {
		t.Skipf("no file system can be mounted: %v", err)
	}
	point := filepath.Join(t.TempDir(), "disk")
	d, err := faultfs.Open(t.TempDir(), point, 8<<20)
	if err != nil {
		t.Skipf("no file system can be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, func(name string) string { return filepath.Join(point, name) }
}

func create(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, f *os.File, text string, off int64) {
	t.Helper()
	if _, err := f.WriteAt([]byte(text), off); err != nil {
		t.Fatal(err)
	}
}

func sync(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, path, text string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != text {
		t.Errorf("%s: got %q, %v, want %q", filepath.Base(path), got, err, text)
	}
}

func gone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is there (%v)", filepath.Base(path), err)
	}
}

// A power cut leaves what was synced: content by the file's sync, entries by the folder's.
func TestDisk_Cut(t *testing.T) {
	d, path := open(t)
	f := create(t, path("a"))
	write(t, f, "old", 0)
	sync(t, path("a"))
	sync(t, path(""))
	write(t, f, "new", 0)
	want(t, path("a"), "new")
	nameless := create(t, path("b"))
	write(t, nameless, "b", 0)
	sync(t, path("b")) // but not its entry
	if err := errors.Join(f.Close(), nameless.Close(), os.Rename(path("b"), path("c")), d.Cut()); err != nil {
		t.Fatal(err)
	}
	want(t, path("a"), "old")
	gone(t, path("b"))
	gone(t, path("c"))

	f = create(t, path("a.tmp"))
	write(t, f, "replaced", 0)
	sync(t, path("a.tmp"))
	if err := errors.Join(f.Close(), os.Rename(path("a.tmp"), path("a"))); err != nil {
		t.Fatal(err)
	}
	want(t, path("a"), "replaced")
	if err := d.Cut(); err != nil {
		t.Fatal(err)
	}
	want(t, path("a"), "old")
	if err := os.Remove(path("a")); err != nil {
		t.Fatal(err)
	}
	sync(t, path(""))
	if err := d.Cut(); err != nil {
		t.Fatal(err)
	}
	gone(t, path("a"))
}

// What a failed sync was for is shown, and no later sync writes it.
func TestDisk_Fail(t *testing.T) {
	d, path := open(t)
	f := create(t, path("a"))
	write(t, f, "....", 0)
	sync(t, path("a"))
	sync(t, path(""))
	write(t, f, "A", 0)
	d.Fail(faultfs.Writes|faultfs.Syncs, syscall.EIO)
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("sync: got %v, want EIO", err)
	}
	if _, err := f.WriteAt([]byte("B"), 1); !errors.Is(err, syscall.EIO) {
		t.Errorf("write: got %v, want EIO", err)
	}
	if n := d.Fail(0, 0); n != 2 {
		t.Errorf("%d failed, want 2", n)
	}
	write(t, f, "C", 2)
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	want(t, path("a"), "A.C.")
	if err := d.Cut(); err != nil {
		t.Fatal(err)
	}
	want(t, path("a"), "..C.")
}

// What was cut off does not come back when the file grows again.
func TestDisk_truncate(t *testing.T) {
	d, path := open(t)
	f := create(t, path("a"))
	write(t, f, "secret", 0)
	sync(t, path(""))
	sync(t, path("a"))
	if err := errors.Join(f.Truncate(2), f.Truncate(4), f.Sync(), f.Close(), d.Cut()); err != nil {
		t.Fatal(err)
	}
	want(t, path("a"), "se\x00\x00")
}

// mapped names the file that the test's child process is to map.
const mapped = "FAULTFS_TEST_MAPPED"

// Two users of a mapped file see each other, while writes fail too: SQLite's -shm needs it. The file is mapped by
// another process: one that stands in a page fault cannot serve it.
func TestDisk_sharedMemory(t *testing.T) {
	if path := os.Getenv(mapped); path != "" {
		shareMemory(t, path)
		return
	}
	d, path := open(t)
	if err := os.WriteFile(path("x-shm"), make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	d.Fail(faultfs.Writes, syscall.EIO)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestDisk_sharedMemory$")
	cmd.Env = append(os.Environ(), mapped+"="+path("x-shm"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func shareMemory(t *testing.T, path string) {
	t.Helper()
	var maps [2][]byte
	for i := range maps {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		maps[i], err = syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	maps[0][7] = 1
	if maps[1][7] != 1 {
		t.Error("one does not see what the other wrote")
	}
	for _, m := range maps {
		if err := syscall.Munmap(m); err != nil {
			t.Error(err)
		}
	}
}

// A dial tells when it was read.
func TestDial(t *testing.T) {
	if err := faultfs.Available(); err != nil {
		t.Skipf("no file system can be mounted: %v", err)
	}
	point := filepath.Join(t.TempDir(), "dial")
	d, err := faultfs.OpenDial(point)
	if err != nil {
		t.Skipf("no file system can be mounted: %v", err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	before := time.Now()
	var st syscall.Statfs_t
	if err := syscall.Statfs(point, &st); err != nil {
		t.Fatal(err)
	}
	used := float64(st.Blocks - st.Bfree)
	got := d.Time(used / (used + float64(st.Bavail)) * 100)
	if off := got.Sub(before).Seconds(); math.Abs(off) > 0.1+time.Since(before).Seconds() {
		t.Errorf("read %.3f s beside the time", off)
	}
}
