package queue_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/queue/store"
	"piway/gateway/queue/storetest"
	"piway/shared/testlog"

	"piway/gateway/queue"
)

// Whatever happens to the files of a running queue, what it acknowledged before is there after it was opened anew,
// nothing is acknowledged in between, and it is told once.
func TestQueue_filesGoAway(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, path string){
		"the store is removed": func(t *testing.T, path string) { must(t, os.Remove(path)) },
		"its log is removed":   func(t *testing.T, path string) { must(t, os.Remove(path+"-wal")) },
		"its index is removed": func(t *testing.T, path string) { must(t, os.Remove(path+"-shm")) },
		"all of it is removed": func(t *testing.T, path string) { removeAll(t, path) },
		"another file in its place": func(t *testing.T, path string) {
			must(t, os.WriteFile(path+".older", []byte("an older copy"), 0o600))
			must(t, os.Rename(path+".older", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			log := new(testlog.Log)
			path := filepath.Join(t.TempDir(), "queue.db")
			synctest.Test(t, func(t *testing.T) {
				cfg := queue.Config{
					Path: path, MaxBytes: 64 << 20, Window: window, Grace: grace,
					Log: slog.New(slog.NewTextHandler(log, nil)),
				}
				b := running(t, cfg)
				b.MustAppend(report("kitchen", "r", 1, "a"))
				time.Sleep(2 * time.Second) // it is looked at
				change(t, path)
				time.Sleep(time.Second)
				if err := b.TryAppend(report("kitchen", "r", 2, "b")); err == nil {
					t.Error("a report is acknowledged into a file that is gone")
				}
				if err := <-b.ended; !errors.Is(err, store.ErrDisk) {
					t.Fatalf("it ended with %v, want ErrDisk", err)
				}
				b = running(t, cfg)
				if err := b.TryAppend(report("kitchen", "r", 1, "a")); err != nil {
					t.Error(err)
				}
				b.MustAppend(report("kitchen", "r", 2, "b"))
				if a := b.Accounts()["kitchen"]; a.Waiting != 2 || a.Duplicate != 1 {
					t.Errorf("got %+v, want 2 waiting and 1 duplicate", a)
				}
				b.Stop()
			})
			if n := log.Count("level=ERROR"); n != 1 {
				t.Errorf("got %d errors in the log, want 1:\n%s", n, log.String())
			}
		})
	}
}

// An older copy of the store that is written over it keeps its inode, and may be as long.
func TestQueue_copiedOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	synctest.Test(t, func(t *testing.T) {
		cfg := queue.Config{Path: path, MaxBytes: 64 << 20, Window: window, Grace: grace, Log: slog.New(slog.DiscardHandler)}
		b := running(t, cfg)
		b.MustAppend(report("kitchen", "r", 1, "a"))
		time.Sleep(3 * time.Minute) // the log is moved into it
		older, err := os.ReadFile(path)
		must(t, err)
		b.MustAppend(report("kitchen", "r", 2, "b"))
		time.Sleep(3 * time.Minute)
		must(t, os.WriteFile(path, older, 0o600))
		time.Sleep(time.Second)
		if b.TryAppend(report("kitchen", "r", 3, "c")) == nil {
			t.Error("a report is acknowledged into a store that is another one")
		}
		if err := <-b.ended; err == nil {
			t.Error("it ended without an error")
		}
		b = running(t, cfg)
		b.MustAppend(report("kitchen", "r", 3, "c"))
		b.Accounts()
		b.Stop()
	})
}

// A store that is cut off under the running queue cannot be read by anybody: that is found, and what can be read is
// kept.
func TestQueue_cutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	synctest.Test(t, func(t *testing.T) {
		cfg := queue.Config{Path: path, MaxBytes: 64 << 20, Window: window, Grace: grace, Log: slog.New(slog.DiscardHandler)}
		b := running(t, cfg)
		for i := range 200 {
			b.MustAppend(report("kitchen", "r", int64(i+1), "a"))
		}
		time.Sleep(3 * time.Minute) // the log is moved into it
		must(t, os.Truncate(path, 4096))
		time.Sleep(time.Second)
		if b.TryAppend(report("kitchen", "r", 300, "b")) == nil {
			t.Error("a report is acknowledged into a store that was cut off")
		}
		if err := <-b.ended; err == nil {
			t.Error("it ended without an error")
		}
		b = running(t, cfg)
		b.MustAppend(report("kitchen", "r", 300, "b"))
		b.Accounts()
		b.Stop()
	})
}

// running returns a bench of which the test sees how it ends.
func running(t *testing.T, cfg queue.Config) *runningBench {
	t.Helper()
	q, err := queue.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &runningBench{
		bench: &bench{&storetest.Bench{Store: q, T: t, Cfg: cfg, Back: new(storetest.Offset)}}, ended: make(chan error, 1),
	}
	go func() { b.ended <- q.Run(ctx) }()
	b.Stop = func() {
		cancel()
		if err := <-b.ended; err != nil {
			t.Error(err)
		}
	}
	return b
}

type runningBench struct {
	*bench
	ended chan error
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func removeAll(t *testing.T, path string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		must(t, os.Remove(path+suffix))
	}
}
