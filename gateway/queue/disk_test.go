package queue_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue/ledger"
	"piway/shared/testlog"
)

// smallDisk mounts a file system in memory until the test ends.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a small file system: run the tests as root for this one")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return dir
}

// fillDisk takes all the room there is.
func fillDisk(t *testing.T, dir string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "hog")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1 << 20; n >= 512; n /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, n))
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func bigNames(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("metric %d of a long name, so that few reports fill the file", i))
	}
	return names
}

// On a full disk nothing is acknowledged, what was acknowledged can be settled, and it ends by itself.
func TestQueue_fullDisk(t *testing.T) {
	dir := smallDisk(t, "24m")
	inBubble(t, func(t *testing.T, b *bench) {
		b.Stop()
		log, path := new(testlog.Log), filepath.Join(dir, "queue.db")
		ballast := filepath.Join(dir, "ballast")
		b.Cfg.Path, b.Cfg.Ballast, b.Cfg.Log = path, 4<<20, slog.New(slog.NewTextHandler(log, nil))
		b.Start()
		if info, err := os.Stat(ballast); err != nil || info.Size() != 4<<20 {
			t.Fatalf("the ballast: %v, %v", info, err)
		}
		big, seq := bigNames(500), int64(1)
		for ; seq <= 100; seq++ {
			b.MustAppend(report("kitchen", "r", seq, big...))
		}
		p, names := b.NextPass("f")
		hog := fillDisk(t, dir)
		for b.TryAppend(report("kitchen", "r", seq, big...)) == nil {
			seq++
		}
		if b.queue().Trouble() == "" {
			t.Error("a full disk is no trouble")
		}
		for range 2000 {
			if b.TryAppend(report("kitchen", "r", seq, big...)) == nil {
				t.Fatal("a report is acknowledged on a full disk")
			}
		}
		if n := len(log.With()); n != 1 || !strings.Contains(log.With()[0], "the disk is full") {
			t.Errorf("got %d lines in the log, want one:\n%s", n, strings.Join(log.With(), "\n"))
		}
		if err := b.Settle(t.Context(), []pass.Done{{
			Pass:   p,
			Counts: map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Sent}: len(names)},
		}}, nil); err != nil {
			t.Errorf("settling on a full disk: %v", err)
		}
		if a := b.Accounts()["kitchen"]; a.Sent != int64(len(names)) {
			t.Errorf("got %d sent, want %d", a.Sent, len(names))
		}
		if err := os.Remove(hog); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if why := b.queue().Trouble(); why != "" {
			t.Errorf("with room again: %s", why)
		}
		b.MustAppend(report("kitchen", "r", seq, big...))
		if _, err := os.Stat(ballast); err != nil {
			t.Errorf("the ballast is not back: %v", err)
		}
		if n := len(log.With()); n != 2 || !strings.Contains(log.With()[1], "refused_messages=2000") {
			t.Errorf("got %d lines in the log, want a second one with the count:\n%s", n, strings.Join(log.With(), "\n"))
		}
		b.Accounts()
	})
}

// A store that fills its own disk gives the room back that it makes, and goes on.
func TestQueue_fullDisk_byItself(t *testing.T) {
	dir := smallDisk(t, "24m")
	inBubble(t, func(t *testing.T, b *bench) {
		b.Stop()
		b.Cfg.Path, b.Cfg.Ballast = filepath.Join(dir, "queue.db"), 4<<20
		b.Start()
		big, seq := bigNames(500), int64(1)
		for b.TryAppend(report("kitchen", "r", seq, big...)) == nil {
			if seq++; seq%50 == 0 {
				time.Sleep(window)
			}
		}
		for b.queue().Trouble() != "" {
			p, names := b.NextPass("f")
			if err := b.Settle(t.Context(), []pass.Done{{
				Pass:   p,
				Counts: map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Sent}: len(names)},
			}}, nil); err != nil {
				t.Fatalf("settling: %v", err)
			}
			time.Sleep(20 * time.Second)
			b.Accounts()
		}
		b.MustAppend(report("kitchen", "r", seq, big...))
	})
}
