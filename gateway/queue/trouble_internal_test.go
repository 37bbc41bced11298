package queue

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/queue/disk"
	"piway/gateway/queue/store"
)

func TestIsTrouble(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{context.Canceled, false},
		{ErrClosed, false},
		{&fs.PathError{Err: syscall.ENOTDIR}, false},
		{&fs.PathError{Err: syscall.ENOSPC}, true},
		{&fs.PathError{Err: syscall.EDQUOT}, true},
		{&fs.PathError{Err: syscall.EROFS}, true},
		{&fs.PathError{Err: syscall.EACCES}, true},
		{&fs.PathError{Err: syscall.EIO}, true},
		{&fs.PathError{Err: syscall.EISDIR}, true},
		{fmt.Errorf("committing: %w", store.ErrDisk), true},
		{fmt.Errorf("committing: %w", store.ErrDamaged), true},
	} {
		if _, ok := IsTrouble(c.err, t.TempDir()); ok != c.want {
			t.Errorf("%v: trouble %v", c.err, ok)
		}
	}
}

// A disk that was read-only for a while is used again, and what came meanwhile was refused and counted.
func TestDisk_readOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	synctest.Test(t, func(t *testing.T) {
		cfg := fuzzConfig(path)
		var log bytes.Buffer
		cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
		q, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		q.failed(&fs.PathError{Op: "write", Path: path, Err: syscall.EROFS}, 1)
		var got error
		q.commit(t.Context(), []op{{entry: &encoded{}, done: func(err error) { got = err }}})
		if got == nil || q.Trouble() == "" {
			t.Errorf("on a read-only disk: done(%v), trouble %q", got, q.Trouble())
		}
		time.Sleep(2 * disk.ProbeEvery)
		q.disk.Attend(t.Context())
		q.commit(t.Context(), []op{{entry: &encoded{}, done: func(err error) { got = err }}})
		if got != nil || q.Trouble() != "" || !strings.Contains(log.String(), "refused_messages=1") {
			t.Errorf("writable again: done(%v), trouble %q, and in the log:\n%s", got, q.Trouble(), log.String())
		}
		if err := q.Run(over(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

// An I/O error is tried once more, after all of the store is read; one of a store that is sound costs nothing.
func TestOpen_afterIOError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	synctest.Test(t, func(t *testing.T) {
		q, err := Open(t.Context(), fuzzConfig(path))
		if err != nil {
			t.Fatal(err)
		}
		q.notice(&fs.PathError{Op: "read", Path: path, Err: syscall.EIO})
		if err := q.Run(t.Context()); store.TroubleOf(err, "") != store.Failing {
			t.Errorf("got %v, want ErrDisk", err)
		}
		if mark, err := os.ReadFile(path + ".suspect"); string(mark) != "check" {
			t.Errorf("got the mark %q, %v, want check", mark, err)
		}
		if q, err = Open(t.Context(), fuzzConfig(path)); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + ".suspect"); err == nil {
			t.Error("the mark is still there")
		}
		if found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "queue.damaged-*")); len(found) > 0 {
			t.Errorf("a sound store was set aside: %q", found)
		}
		if err := q.Run(over(t.Context())); err != nil {
			t.Error(err)
		}
	})
}
