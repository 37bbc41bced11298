package queue

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestTroubleOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want trouble
	}{
		{nil, noTrouble},
		{context.Canceled, noTrouble},
		{fmt.Errorf("opening: %w", errNewer), noTrouble},
		{&fs.PathError{Err: syscall.ENOSPC}, diskFull},
		{&fs.PathError{Err: syscall.EDQUOT}, diskFull},
		{&fs.PathError{Err: syscall.EROFS}, readOnly},
		{&fs.PathError{Err: syscall.EACCES}, readOnly},
		{&fs.PathError{Err: syscall.EIO}, failing},
		{&fs.PathError{Err: syscall.EISDIR}, damaged},
		{&fs.PathError{Err: syscall.ENOTDIR}, noTrouble},
		{fmt.Errorf("committing: %w", ErrDisk), failing},
		{fmt.Errorf("committing: %w", ErrDamaged), damaged},
	} {
		if got := troubleOf(c.err, t.TempDir()); got != c.want {
			t.Errorf("%v: got %d, want %d", c.err, got, c.want)
		}
		if _, ok := IsTrouble(c.err, t.TempDir()); ok != (c.want != noTrouble) {
			t.Errorf("%v: trouble %v", c.err, ok)
		}
	}
}

// A disk that was read-only for a while is used again, and what came meanwhile was refused and counted.
func TestDisk_readOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	synctest.Test(t, func(t *testing.T) {
		cfg := fuzzConfig(path)
		cfg.Log = slog.New(slog.DiscardHandler)
		q, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		q.failed(&fs.PathError{Op: "write", Path: path, Err: syscall.EROFS}, 1)
		var got error
		q.commit(t.Context(), []op{{entry: &encoded{Entry: Entry{Device: "kitchen"}}, done: func(err error) { got = err }}})
		if got == nil || q.Trouble() == "" || q.disk.refused != 1 {
			t.Errorf("on a read-only disk: done(%v), trouble %q, %d refused", got, q.Trouble(), q.disk.refused)
		}
		time.Sleep(2 * probeEvery)
		q.attend(t.Context())
		q.commit(t.Context(), []op{{entry: &encoded{Entry: Entry{Device: "kitchen"}}, done: func(err error) { got = err }}})
		if got != nil || q.Trouble() != "" {
			t.Errorf("writable again: done(%v), trouble %q", got, q.Trouble())
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
		if err := q.Run(t.Context()); troubleOf(err, "") != failing {
			t.Errorf("got %v, want ErrDisk", err)
		}
		if mark, _ := readMark(path); mark != markCheck {
			t.Errorf("got the mark %q, want %q", mark, markCheck)
		}
		if q, err = Open(t.Context(), fuzzConfig(path)); err != nil {
			t.Fatal(err)
		}
		if mark, _ := readMark(path); mark != "" {
			t.Error("the mark is still there")
		}
		if found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), asidePrefix+"*")); len(found) > 0 {
			t.Errorf("a sound store was set aside: %q", found)
		}
		if err := q.Run(over(t.Context())); err != nil {
			t.Error(err)
		}
	})
}
