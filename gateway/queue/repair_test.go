package queue_test

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/queue/store"

	"piway/gateway/queue"
	"piway/gateway/queue/lyingdb"
	"piway/shared/files"
	"piway/shared/files/lying"
	"piway/shared/sample"
	"piway/shared/testlog"
)

// onLyingDisk runs f with a queue on a disk that the test has in its hand.
func onLyingDisk(t *testing.T, f func(t *testing.T, d *lying.Disk, cfg queue.Config, log *testlog.Log)) {
	t.Helper()
	dir, log := t.TempDir(), new(testlog.Log)
	synctest.Test(t, func(t *testing.T) {
		d := lying.New(dir)
		f(t, d, queue.Config{
			Path: filepath.Join(dir, "queue.db"), MaxBytes: 64 << 20, Window: window, Grace: grace,
			Log: slog.New(slog.NewTextHandler(log, nil)), VFS: lyingdb.Register(t, d), Files: d,
		}, log)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

// failing makes what is done to files of that name fail.
func failing(d *lying.Disk, suffix string, kinds ...string) {
	d.Fail(func(op lying.Op) error {
		for _, kind := range kinds {
			if op.Kind == kind && strings.HasSuffix(op.Path, suffix) {
				return syscall.EIO
			}
		}
		return nil
	})
}

// afterCut is a queue with what a power cut leaves.
func afterCut(t *testing.T, d *lying.Disk) *runningBench {
	t.Helper()
	to := t.TempDir()
	must(t, d.Cut(to, nil))
	return running(t, queue.Config{
		Path: filepath.Join(to, "queue.db"), MaxBytes: 64 << 20, Window: window, Grace: grace,
		Log: slog.New(slog.DiscardHandler),
	})
}

// After a sync that failed nothing is acknowledged, not even what is a duplicate or refused, until the disk works;
// then all goes on without the store being opened anew. What was acknowledged before and after outlives a power cut at
// any time.
func TestQueue_syncFails(t *testing.T) {
	onLyingDisk(t, func(t *testing.T, d *lying.Disk, cfg queue.Config, log *testlog.Log) {
		b := running(t, cfg)
		b.MustAppend(report("kitchen", "r", 1, "a"))
		failing(d, "-wal", lying.Sync)
		refused := queue.Entry{Report: sample.Report{Device: "kitchen", Run: "r", Seq: 9}, Refused: map[string]int{"unit": 1}}
		for name, e := range map[string]queue.Entry{
			"new": report("kitchen", "r", 2, "b"), "a redelivery": report("kitchen", "r", 1, "a"), "refused": refused,
		} {
			if b.TryAppend(e) == nil {
				t.Errorf("%s: acknowledged on a disk that fails", name)
			}
		}
		if b.queue().Trouble() == "" {
			t.Error("a disk that fails is no trouble")
		}
		d.Fail(nil)
		time.Sleep(3 * time.Second)
		if why := b.queue().Trouble(); why != "" {
			t.Errorf("on a disk that works: %s", why)
		}
		b.MustAppend(report("kitchen", "r", 3, "c"))
		b.MustAppend(report("kitchen", "r", 1, "a"))
		left := afterCut(t, d)
		b.MustAppend(report("kitchen", "r", 2, "b"))
		b.Stop()
		if n := log.Count("level=ERROR"); n != 1 {
			t.Errorf("got %d errors in the log, want 1:\n%s", n, log.String())
		}
		for _, seq := range []int64{1, 3, 2} {
			left.MustAppend(report("kitchen", "r", seq, "x"))
		}
		if a := left.Accounts()["kitchen"]; a.Waiting != 3 || a.Duplicate != 3 {
			t.Errorf("after the power cut: got %+v, want 3 waiting, 3 duplicates", a)
		}
		left.Stop()
	})
}

// A disk that goes on failing on the log, while other files can be written, has the store copied.
func TestQueue_copiesOut(t *testing.T) {
	onLyingDisk(t, func(t *testing.T, d *lying.Disk, cfg queue.Config, log *testlog.Log) {
		b := running(t, cfg)
		for i := range 50 {
			b.MustAppend(report("kitchen", "r", int64(i+1), "a"))
		}
		failing(d, "-wal", lying.Sync, lying.Truncate)
		if b.TryAppend(report("kitchen", "r", 51, "a")) == nil {
			t.Error("acknowledged on a disk that fails")
		}
		if err := <-b.ended; !errors.Is(err, store.ErrDisk) {
			t.Fatalf("it ended with %v, want ErrDisk", err)
		}
		left := afterCut(t, d)
		d.Fail(nil)
		b = running(t, cfg)
		for name, b := range map[string]*runningBench{"opened anew": b, "after a power cut": left} {
			b.MustAppend(report("kitchen", "r", 50, "a"))
			b.MustAppend(report("kitchen", "r", 51, "a"))
			if a := b.Accounts()["kitchen"]; a.Waiting != 51 || a.Duplicate != 1 {
				t.Errorf("%s: got %+v, want 51 waiting, 1 duplicate", name, a)
			}
			b.Stop()
		}
		if !strings.Contains(log.String(), "a copy takes the store's place") {
			t.Errorf("the log does not tell of the copy:\n%s", log.String())
		}
	})
}

// What Open takes for stored is on the disk: a process that was killed after a failed sync leaves commits that are
// only in memory, and a redelivery of one is answered as a duplicate.
func TestOpen_writesTheLogBack(t *testing.T) {
	onLyingDisk(t, func(t *testing.T, d *lying.Disk, cfg queue.Config, _ *testlog.Log) {
		b := running(t, cfg)
		b.MustAppend(report("kitchen", "r", 1, "a"))
		failing(d, "-wal", lying.Sync)
		if b.TryAppend(report("kitchen", "r", 2, "b")) == nil {
			t.Error("acknowledged on a disk that fails")
		}
		d.Kill()
		b.Stop()
		d.Start()
		d.Fail(nil)
		b = running(t, cfg)
		b.MustAppend(report("kitchen", "r", 2, "b"))
		left := afterCut(t, d)
		b.Stop()
		if a := left.Accounts()["kitchen"]; a.Waiting != 2 {
			t.Errorf("got %+v, want both waiting", a)
		}
		left.Stop()
	})
}

// The names of the store's files are durable before anything is acknowledged. SQLite syncs the folder with a new log,
// and says nothing when that fails.
func TestOpen_namesAreDurable(t *testing.T) {
	onLyingDisk(t, func(t *testing.T, d *lying.Disk, cfg queue.Config, _ *testlog.Log) {
		own := &ownSync{FS: d}
		cfg.Files = own
		d.Fail(func(op lying.Op) error {
			if op.Kind == lying.SyncDir && !own.under.Load() {
				return &lying.Again{Err: syscall.EIO} // SQLite's own
			}
			return nil
		})
		b := running(t, cfg)
		b.MustAppend(report("kitchen", "r", 1, "a"))
		left := afterCut(t, d)
		b.Stop()
		if a := left.Accounts()["kitchen"]; a.Waiting != 1 {
			t.Errorf("got %+v, want 1 waiting", a)
		}
		left.Stop()
	})
}

// ownSync shows which syncs of a folder are the queue's.
type ownSync struct {
	files.FS
	under atomic.Bool
}

func (o *ownSync) SyncDir(name string) error {
	o.under.Store(true)
	defer o.under.Store(false)
	return o.FS.SyncDir(name)
}

// A log that cannot be moved into the store is an error like any other, also where commits to it succeed.
func TestQueue_checkpointFails(t *testing.T) {
	onLyingDisk(t, func(t *testing.T, d *lying.Disk, cfg queue.Config, log *testlog.Log) {
		b := running(t, cfg)
		failing(d, "queue.db", lying.Write, lying.Sync)
		acked := int64(0)
		for seq := int64(1); b.queue().Trouble() == ""; seq++ {
			if b.TryAppend(report("kitchen", "r", seq, bigNames(200)...)) == nil {
				acked = seq
			}
			if info, err := os.Stat(cfg.Path + "-wal"); err != nil || info.Size() > 32<<20 {
				t.Fatalf("the log has %d bytes, %v, and nothing is told", info.Size(), err)
			}
		}
		if b.TryAppend(report("kitchen", "r", acked+1, "a")) == nil {
			t.Error("acknowledged though the log cannot be moved")
		}
		d.Fail(nil)
		time.Sleep(3 * time.Second)
		b.MustAppend(report("kitchen", "r", acked+1, "a"))
		if bytes, by := b.queue().LogSize(); bytes > 1<<20 || by != "" {
			t.Errorf("the log has %d bytes, held up by %q", bytes, by)
		}
		b.Stop()
		if n := log.Count("level=ERROR"); n != 1 {
			t.Errorf("got %d errors in the log, want 1:\n%s", n, log.String())
		}
	})
}

// reads is set where the test binary is to be a foreign program that reads a store until its input ends.
const reads = "PIWAY_TEST_READS"

func TestMain(m *testing.M) {
	if path := os.Getenv(reads); path != "" {
		if err := read(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func read(path string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	rows, err := db.Query("SELECT id FROM report")
	if err != nil || !rows.Next() {
		return fmt.Errorf("reading: %w", errors.Join(err, rows.Err()))
	}
	fmt.Println("reading")
	_, _ = os.Stdin.Read(make([]byte, 1))
	return errors.Join(rows.Close(), db.Close())
}

// A program that reads the store for long keeps the log from being emptied: that is told with its name, and is no
// trouble.
func TestQueue_logHeldUp(t *testing.T) {
	log, path := new(testlog.Log), filepath.Join(t.TempDir(), "queue.db")
	b := running(t, queue.Config{
		Path: path, MaxBytes: 256 << 20, Window: window, Grace: grace,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	b.MustAppend(report("kitchen", "r", 1, "a"))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), reads+"="+path)
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "reading\n" {
		t.Fatalf("the reader says %q, %v", line, err)
	}
	seq, big := int64(2), bigNames(2000)
	for by := ""; by == ""; seq++ {
		b.MustAppend(report("kitchen", "r", seq, big...))
		var bytes int64
		if bytes, by = b.queue().LogSize(); bytes > 128<<20 {
			t.Fatalf("the log has %d bytes, and nothing is told", bytes)
		}
	}
	if _, by := b.queue().LogSize(); !strings.Contains(by, fmt.Sprintf("process %d", cmd.Process.Pid)) {
		t.Errorf("it is held up by %q, want process %d", by, cmd.Process.Pid)
	}
	if why := b.queue().Trouble(); why != "" {
		t.Errorf("a long log is trouble: %s", why)
	}
	must(t, in.Close())
	must(t, cmd.Wait())
	for by := "x"; by != ""; seq++ {
		b.MustAppend(report("kitchen", "r", seq, big...))
		if _, by = b.queue().LogSize(); seq > 5000 {
			t.Fatal("the log stays long")
		}
	}
	b.Stop()
	if text := log.String(); strings.Count(text, "cannot be emptied") != 1 || strings.Count(text, "is short again") != 1 {
		t.Errorf("got the log\n%s", text)
	}
}
