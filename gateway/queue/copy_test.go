package queue_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/queue/store"

	"piway/gateway/queue"
	"piway/shared/files"
	"piway/shared/files/lying"
	"piway/shared/testlog"
)

// hooked calls what a test has to do after a rename, and instead of a sync of a folder.
type hooked struct {
	files.FS
	mu      sync.Mutex // guards what follows
	renamed func(to string)
	syncDir func() error
}

// set replaces both; nil does nothing.
func (h *hooked) set(renamed func(to string), syncDir func() error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.renamed, h.syncDir = renamed, syncDir
}

func (h *hooked) hooks() (renamed func(to string), syncDir func() error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.renamed, h.syncDir
}

func (h *hooked) Rename(from, to string) error {
	err := h.FS.Rename(from, to)
	if renamed, _ := h.hooks(); renamed != nil && err == nil {
		renamed(to)
	}
	return err
}

func (h *hooked) SyncDir(name string) error {
	if _, syncDir := h.hooks(); syncDir != nil {
		if err := syncDir(); err != nil {
			return err
		}
	}
	return h.FS.SyncDir(name)
}

// A copy that got its name and was then given up must not take the place of what was acknowledged after it.
func TestQueue_copyGivenUp(t *testing.T) {
	onLyingDisk(t, func(t *testing.T, d *lying.Disk, cfg queue.Config, log *testlog.Log) {
		h := &hooked{FS: d}
		cfg.Files = h
		b := running(t, cfg)
		for i := range 50 {
			b.MustAppend(report("kitchen", "r", int64(i+1), "a"))
		}
		failing(d, "-wal", lying.Sync, lying.Truncate)
		h.set(nil, func() error { return syscall.EIO }) // the disk fails for the folder too
		if b.TryAppend(report("kitchen", "r", 51, "a")) == nil {
			t.Error("acknowledged on a disk that fails")
		}
		time.Sleep(15 * time.Second)
		d.Fail(nil) // the trouble passes
		h.set(nil, nil)
		time.Sleep(3 * time.Second)
		for i := range 10 {
			b.MustAppend(report("kitchen", "r", int64(i+51), "a"))
		}
		b.Stop()
		b = running(t, cfg)
		if a := b.Accounts()["kitchen"]; a.Waiting != 60 {
			t.Errorf("60 reports were acknowledged, %d are there after a restart:\n%s", a.Waiting, log.String())
		}
		b.Stop()
	})
}

// Once a copy waits to take the store's place nothing more is acknowledged, whatever the disk does. PIWAY_LONG tries it
// more often.
func TestQueue_copyIsTheLastThing(t *testing.T) {
	tries := 4
	if os.Getenv("PIWAY_LONG") != "" {
		tries = 12
	}
	for try := range tries {
		onLyingDisk(t, func(t *testing.T, d *lying.Disk, cfg queue.Config, log *testlog.Log) {
			h := &hooked{FS: d}
			cfg.Files = h
			b := running(t, cfg)
			for i := range 50 {
				b.MustAppend(report("kitchen", "r", int64(i+1), "a"))
			}
			failing(d, "-wal", lying.Sync, lying.Truncate)
			h.set(func(to string) {
				if strings.HasSuffix(to, ".salvaged") {
					time.Sleep(2 * time.Second) // copying takes as long, and the trouble passes meanwhile
					d.Fail(nil)
				}
			}, nil)
			var seq, acked atomic.Int64
			seq.Store(50)
			acked.Store(50)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					n := seq.Add(1)
					for {
						err := b.TryAppend(report("kitchen", "r", n, "a"))
						if errors.Is(err, queue.ErrClosed) {
							return
						}
						if err == nil {
							acked.Add(1)
							n = seq.Add(1)
						}
						time.Sleep(time.Millisecond)
					}
				})
			}
			if err := <-b.ended; !errors.Is(err, store.ErrDisk) {
				t.Fatalf("it ended with %v, want ErrDisk", err)
			}
			wg.Wait()
			h.set(nil, nil)
			b = running(t, cfg)
			if a := b.Accounts()["kitchen"]; a.Waiting < acked.Load() {
				t.Errorf("try %d: %d reports were acknowledged, %d are there after the copy took the store's place:\n%s", try,
					acked.Load(), a.Waiting, log.String())
			}
			b.Stop()
		})
	}
}

// What was acknowledged into a file that somebody removed is copied also when the gateway is stopped a moment later.
func TestQueue_removedAndStopped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	synctest.Test(t, func(t *testing.T) {
		cfg := queue.Config{Path: path, MaxBytes: 64 << 20, Window: window, Grace: grace, Log: slog.New(slog.DiscardHandler)}
		b := running(t, cfg)
		b.MustAppend(report("kitchen", "r", 1, "a"))
		time.Sleep(2*time.Second + 50*time.Millisecond) // a look was just taken
		removeAll(t, path)
		b.MustAppend(report("kitchen", "r", 2, "b"))
		b.Stop()
		b = running(t, cfg)
		if a := b.Accounts()["kitchen"]; a.Waiting != 2 {
			t.Errorf("2 reports were acknowledged, %d are there", a.Waiting)
		}
		b.Stop()
	})
}

// A copy that does not fit must not go on filling the disk.
func TestQueue_copyDoesNotFit(t *testing.T) {
	onLyingDisk(t, func(t *testing.T, d *lying.Disk, cfg queue.Config, _ *testlog.Log) {
		b := running(t, cfg)
		for i := range 50 {
			b.MustAppend(report("kitchen", "r", int64(i+1), bigNames(200)...))
		}
		d.Fail(func(op lying.Op) error {
			switch {
			case strings.HasSuffix(op.Path, "-wal") && (op.Kind == lying.Sync || op.Kind == lying.Truncate):
				return syscall.EIO
			case strings.HasSuffix(op.Path, ".new") && op.Kind == lying.Write:
				if info, err := os.Stat(op.Path); err == nil && info.Size() > 300<<10 {
					return syscall.ENOSPC
				}
			}
			return nil
		})
		if b.TryAppend(report("kitchen", "r", 51, "a")) == nil {
			t.Error("acknowledged on a disk that fails")
		}
		time.Sleep(15 * time.Second)
		d.Fail(nil) // the trouble of the log passes
		time.Sleep(3 * time.Second)
		b.MustAppend(report("kitchen", "r", 51, "a"))
		if info, err := os.Stat(cfg.Path + ".new"); err == nil {
			t.Errorf("%d bytes of a copy that failed are left", info.Size())
		}
		b.Stop()
		b = running(t, cfg)
		if info, err := os.Stat(cfg.Path + ".new"); err == nil {
			t.Errorf("%d bytes of a copy that failed are left after a restart", info.Size())
		}
		b.Stop()
	})
}
