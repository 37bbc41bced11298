package store

import (
	"context"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

func TestTroubleOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Trouble
	}{
		{nil, None},
		{context.Canceled, None},
		{fmt.Errorf("opening: %w", errNewer), None},
		{&fs.PathError{Err: syscall.ENOSPC}, Full},
		{&fs.PathError{Err: syscall.EDQUOT}, Full},
		{&fs.PathError{Err: syscall.EROFS}, ReadOnly},
		{&fs.PathError{Err: syscall.EACCES}, ReadOnly},
		{&fs.PathError{Err: syscall.EIO}, Failing},
		{&fs.PathError{Err: syscall.EISDIR}, Damaged},
		{&fs.PathError{Err: syscall.ENOTDIR}, None},
		{fmt.Errorf("committing: %w", ErrDisk), Failing},
		{fmt.Errorf("committing: %w", ErrDamaged), Damaged},
	} {
		if got := TroubleOf(c.err, t.TempDir()); got != c.want {
			t.Errorf("%v: got %d, want %d", c.err, got, c.want)
		}
	}
}
