package replace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"piway/gateway/queue/store"
)

// ErrCopied says that a copy of the store waits to take its place at the next Open.
var ErrCopied = fmt.Errorf("%w: the store was copied into a new file", store.ErrDisk)

// Copy writes what a connection sees of a store to a new file that is going to take the store's place at the next
// Open. It returns nil when that is durable; nothing may be committed to the old one then. After an error it may be so
// too: see Forget.
func Copy(ctx context.Context, conn *store.Conn, o *store.Options) error {
	if err := clearNew(o); err != nil {
		return err
	}
	path := o.Path + newSuffix
	f, err := o.Files.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if _, err := conn.Raw().ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return fmt.Errorf("copying the store: %w", err)
	}
	return promote(o)
}

// Forget removes what was copied, so that it never takes the place of what is committed from now on. It returns nil
// when that is durable.
func Forget(o *store.Options) error {
	err := clearNew(o)
	if rerr := o.Files.Remove(o.Path + salvagedSuffix); !errors.Is(rerr, fs.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return errors.Join(err, o.Files.SyncDir(filepath.Dir(o.Path)))
}

// Clear removes a copy that was not finished, which only takes room.
func Clear(o *store.Options) { _ = clearNew(o) } // tried again before the next
