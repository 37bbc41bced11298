package replace

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"piway/gateway/queue/books"
	"piway/gateway/queue/salvage"
	"piway/gateway/queue/store"
)

// ReasonDamaged is why samples are Dropped that a damaged store had and that could not be read any more.
const ReasonDamaged = "damaged store"

// Rebuilt is what became of a damaged store.
type Rebuilt struct {
	*salvage.Result
	Lost      int64 // samples that are Dropped
	Uncounted int64 // reports that are lost and were not in the ledger yet
}

// salvage builds a new store of what can be read of this one, and sets this one aside.
func (o *Options) salvage(ctx context.Context, cause error) error {
	o.Log.Error("the store is damaged; reading what can be read of it", "file", o.Store.Path, "err", cause)
	if err := clearNew(&o.Store); err != nil {
		return err
	}
	path := o.Store.Path + newSuffix
	r, err := Rebuild(ctx, o.Store, path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path + store.LogSuffix); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("closing %s: its log is still there", path)
	}
	if err := promote(&o.Store); err != nil {
		return err
	}
	aside, err := swap(&o.Store, o.Log)
	if err != nil {
		return err
	}
	o.Log.Error("the damaged store is set aside; the queue goes on with what could be read", "aside", aside,
		"reports", r.Reports, "refused_rows", r.Refused, "unreadable", r.Unreadable, "lost_samples", r.Lost,
		"lost_reports_never_counted", r.Uncounted, "sent_again_passes", r.Restarted,
		"try", "look at the kernel's log (dmesg) and the disk; delete the file when nobody needs it")
	return nil
}

// Rebuild builds a new store at path of what can be read of the damaged one. Its ledger balances: what the old one
// stored and nobody can find any more is Dropped.
func Rebuild(ctx context.Context, damaged store.Options, path string) (r Rebuilt, err error) {
	fresh := damaged
	fresh.Path, fresh.Bulk = path, true
	db, err := store.Open(ctx, &fresh)
	if err != nil {
		return r, err
	}
	defer func() { err = cmp.Or(err, db.Close()) }()
	old := store.OpenDamaged(ctx, damaged.Path)
	if old != nil {
		defer func() { _ = old.Close() }() // it was only read
	}
	if r.Result, err = salvage.Copy(ctx, old, db, maxRows(damaged.Path)); err != nil {
		return r, err
	}
	if err := r.balance(ctx, db); err != nil {
		return r, fmt.Errorf("balancing the ledger: %w", err)
	}
	return r, nil
}

// maxRows is more than a table of the store can have: a row takes four bytes at least.
func maxRows(path string) int64 {
	rows := int64(1)
	for _, suffix := range []string{"", store.LogSuffix} {
		if info, err := os.Stat(path + suffix); err == nil {
			rows += info.Size() / 4
		}
	}
	return rows
}

// balance makes the ledger and what was seen fit the reports that are there.
func (r *Rebuilt) balance(ctx context.Context, db *sql.DB) (err error) {
	conn, err := store.NewConn(ctx, db)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, conn.Close()) }()
	b, err := books.Load(ctx, conn, 0)
	if err != nil {
		return err
	}
	if !r.Whole["seen"] || !r.Whole["meta"] {
		if err := b.SeeAll(ctx, conn); err != nil {
			return err
		}
	}
	if r.Lost, r.Uncounted, err = b.Balance(ctx, conn, r.Gone, r.High, ReasonDamaged); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := b.Fold(ctx, conn, time.Time{}, 0); err != nil { // no clock says that anything is old
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}
