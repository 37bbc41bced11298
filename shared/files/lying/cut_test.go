package lying_test

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"piway/shared/files"
	"piway/shared/files/lying"
)

const pageSize = 4096

// Whole pages of what was not synced may be there, in any combination.
func TestCut_pages(t *testing.T) {
	r := newRig(t)
	f := r.open("old")
	old, young := strings.Repeat("o", pageSize), strings.Repeat("y", pageSize)
	r.write(f, 0, old+old+old)
	r.must(f.Sync())
	r.write(f, 0, young+young+young+young)
	seen := map[string]bool{}
	for seed := range uint64(400) {
		got := r.cut(rand.New(rand.NewPCG(seed, 0)))["old"]
		if again := r.cut(rand.New(rand.NewPCG(seed, 0)))["old"]; again != got {
			t.Fatalf("seed %d left two things", seed)
		}
		kinds := ""
		for i := 0; i < len(got); i += pageSize {
			part := got[i:min(i+pageSize, len(got))]
			if part != old && part != young && part != string(make([]byte, pageSize)) {
				t.Fatalf("seed %d left a part of a page", seed)
			}
			kinds += part[:1]
		}
		seen[kinds] = true
	}
	for _, kinds := range []string{"ooo", "yoo", "oyo", "yyyy", "oooy", "ooo\x00"} {
		if !seen[kinds] {
			t.Errorf("no seed of 400 left %q", kinds)
		}
	}
}

// Behind a truncation nothing is written back without it.
func TestCut_truncated(t *testing.T) {
	r := newRig(t)
	f := r.open("old")
	r.must(f.Truncate(0))
	r.write(f, 2, "x")
	seen := map[string]bool{}
	for seed := range uint64(200) {
		seen[r.cut(rand.New(rand.NewPCG(seed, 0)))["old"]] = true
	}
	for got := range seen {
		switch got {
		case "old", "\x00\x00x", "\x00\x00\x00":
		default:
			t.Errorf("left %q", got)
		}
	}
	if len(seen) != 3 {
		t.Errorf("left %v, want three kinds", seen)
	}
}

// Changes of a folder are there in order.
func TestCut_changesInOrder(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"a", "b"} {
		r.must(r.open(name).Sync())
	}
	r.must(r.Rename(r.path("b"), r.path("old")))
	seen := map[string]bool{}
	for seed := range uint64(100) {
		var names []string
		left := r.cut(rand.New(rand.NewPCG(seed, 0)))
		for _, name := range []string{"a", "b", "old"} {
			if text, ok := left[name]; ok {
				names = append(names, name+"="+text)
			}
		}
		seen[strings.Join(names, " ")] = true
	}
	for _, want := range []string{"old=old", "a= old=old", "a= b= old=old", "a= old="} {
		if !seen[want] {
			t.Errorf("no seed of 100 left %q", want)
		}
		delete(seen, want)
	}
	if len(seen) > 0 {
		t.Errorf("left %v", seen)
	}
}

// files.Replace holds what it promises, whatever fails and whenever the power is cut.
func TestReplace(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := newRig(t)
		fails := rng.IntN(8)
		r.Fail(func(lying.Op) error {
			fails--
			switch {
			case fails != 0:
				return nil
			case rng.IntN(2) == 0:
				return &lying.Short{N: 1, Err: syscall.ENOSPC}
			}
			return syscall.EIO
		})
		err := files.Replace(r, r.path("old"), []byte("young"), 0o600)
		got := r.cut(rng)["old"]
		if got != "young" && (err == nil || got != "old") {
			t.Errorf("seed %d: %q after error %v", seed, got, err)
		}
		r.must(r.Close())
	}
}

func TestDisk_concurrent(t *testing.T) {
	r := newRig(t)
	var all sync.WaitGroup
	for _, name := range []string{"a", "b", "c"} {
		f := r.open(name)
		all.Go(func() {
			for i := range 50 {
				if _, err := f.WriteAt([]byte(name), int64(i)); err != nil {
					t.Error(err)
				}
				if err := f.Sync(); err != nil {
					t.Error(err)
				}
				if err := r.SyncDir(r.dir); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 20 {
		r.must(r.Cut(filepath.Join(t.TempDir()), rand.New(rand.NewPCG(1, 1))))
		r.must(r.Drop())
	}
	all.Wait()
	a := strings.Repeat("a", 50)
	r.want("cut", r.cut(nil), "old", "old", "a", a, "b", strings.ReplaceAll(a, "a", "b"), "c",
		strings.ReplaceAll(a, "a", "c"))
}

func TestFail_delay(t *testing.T) {
	r := newRig(t)
	f := r.open("old")
	asked, goOn := make(chan bool), make(chan bool)
	r.Fail(func(op lying.Op) error {
		if op.Kind == lying.Sync {
			asked <- true
			<-goOn
		}
		return nil
	})
	r.write(f, 0, "new")
	done := make(chan error)
	go func() { done <- f.Sync() }()
	<-asked
	r.want("while the sync hangs", r.cut(nil), "old", "old")
	close(goOn)
	r.must(<-done)
	r.want("after it", r.cut(nil), "old", "new")
}

func FuzzDisk(f *testing.F) {
	f.Add([]byte("\x00\x05w\x02\x03s"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		r := newRig(t)
		file := r.open("old")
		visible, durable := []byte("old"), []byte("old")
		for i := 0; i+2 < len(ops); i += 3 {
			at, n := int(ops[i]), int(ops[i+1])
			switch ops[i+2] % 4 {
			case 0:
				text := bytes.Repeat([]byte{ops[i+2]}, n)
				r.write(file, int64(at), string(text))
				if n > 0 {
					visible = append(visible, make([]byte, max(0, at+n-len(visible)))...)
					copy(visible[at:], text)
				}
			case 1:
				r.must(file.Sync())
				durable = bytes.Clone(visible)
			case 2:
				r.must(file.Truncate(int64(at)))
				visible = append(visible, make([]byte, max(0, at-len(visible)))...)[:at]
			case 3:
				r.must(r.Drop()) // nothing is lost
			}
		}
		r.want("cut", r.cut(nil), "old", string(durable))
		r.want("visible", r.visible(), "old", string(visible))
	})
}
