package queue_test

import (
	"log/slog"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"piway/gateway/queue"
	"piway/shared/testlog"
)

// A checkpoint by another SQLite, as backup scripts do one, harms nothing, and is no reason to copy the store.
func TestQueue_foreignCheckpoint(t *testing.T) {
	t.Parallel()
	log, path := new(testlog.Log), filepath.Join(t.TempDir(), "queue.db")
	b := running(t, queue.Config{
		Path: path, MaxBytes: 256 << 20, Window: window, Grace: grace,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	b.MustAppend(report("kitchen", "r", 1, bigNames(200)...))
	time.Sleep(time.Second)
	out, err := exec.Command("sqlite3", path, "PRAGMA wal_checkpoint(TRUNCATE)").CombinedOutput()
	if err != nil {
		t.Skipf("without Debian's sqlite3: %v: %s", err, out)
	}
	select {
	case err := <-b.ended:
		t.Errorf("it ended with %v:\n%s", err, log.String())
	case <-time.After(2 * time.Second):
		b.Stop()
	}
}
