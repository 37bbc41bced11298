// Package replace opens a store that may be damaged, and puts a sound one in its place.
//
// Its promise: whatever lies in the store's place, Open ends with one that works, or with an error that may pass. What
// is salvaged of a damaged store (package salvage says what comes over) balances: samples that the ledger has as stored
// and that are nowhere are booked as dropped, `damaged store`; what was stored after the last fold and is lost is in no
// account, and its number is in the log and in the gaps of the runs. The new store is built beside the old one and
// takes its place by renames that a crash may part at any point; the old one stays as `queue.damaged-<UTC time>`, of
// which the newest three are kept. A byte changed in the write-ahead log ends it there for SQLite, which says nothing:
// the commits behind it are missing, and only the gaps in the runs' numbers tell. A page that is the first of the file,
// with the schema, costs the whole store.
package replace

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"piway/gateway/queue/store"
)

// Options say which store is opened.
type Options struct {
	Store store.Options
	// Ballast is given up where opening needs room.
	Ballast store.Ballast
	Log     *slog.Logger
}

func (o *Options) dir() string { return filepath.Dir(o.Store.Path) }

// Open has try open the store, or what can be salvaged of it. whole says that try is to read all of it first. The error
// is the one of try, store.ErrDisk for what may pass.
func Open(ctx context.Context, o *Options, try func(whole bool) error) error {
	path := o.Store.Path
	aside, err := swap(&o.Store, o.Log)
	if err != nil {
		return err
	}
	if aside != "" {
		o.Log.Warn("a copy takes the store's place; what was there is set aside", "aside", aside)
	}
	_ = clearNew(&o.Store) // a copy that was not finished only takes room
	mark, failed := readMark(path)
	if err = o.tryMarked(mark, try); err == nil {
		return unmark(path, mark)
	}
	if err := o.mayPass(err, failed); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	o.Ballast.Free()
	if serr := o.salvage(ctx, err); serr != nil {
		return fmt.Errorf("%w (and salvaging: %w)", err, serr)
	}
	if err := unmark(path, mark); err != nil {
		return err
	}
	return try(false)
}

// tryMarked has try open the store as its mark says.
func (o *Options) tryMarked(mark string, try func(whole bool) error) error {
	if mark == markSalvage {
		return store.ErrDamaged
	}
	err := try(mark == markCheck)
	if store.TroubleOf(err, o.dir()) == store.Full && o.Ballast.Free() {
		err = try(mark == markCheck) // a file system that copies on write needs room to write in place
	}
	return err
}

// mayPass returns what to tell of an error that is no reason to salvage, nil for one that is. failed is how often the
// store could not be read before: that this lasts, and is the store's and not all of the disk's, is no passing error
// any more.
func (o *Options) mayPass(err error, failed int) error {
	switch store.TroubleOf(err, o.dir()) { //nolint:exhaustive // the others are not to be salvaged
	case store.Damaged, store.Unknown:
		return nil
	case store.Failing:
		if !store.Unreadable(err) {
			return fmt.Errorf("%w: %w", store.ErrDisk, err)
		}
		failed++
		setMark(o.Store.Path, fmt.Sprint(markCheck, " ", failed))
		if failed < salvageAfter || store.TryWrite(o.dir()) != nil {
			return fmt.Errorf("%w: %w", store.ErrDisk, err)
		}
		return nil
	default:
		return err
	}
}
