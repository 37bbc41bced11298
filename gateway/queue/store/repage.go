package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
)

// maxRepaged bounds the files that are written anew with pages of PageSize: that takes a second, and as much room again.
const maxRepaged = 16 << 20

// repage gives a small file of an earlier version pages of PageSize. It goes on as it is where that does not work: it is
// read by somebody, or the disk or the file is not well, which shows next. SQLite does it in one transaction, behind a
// journal.
func (o *Options) repage(ctx context.Context) error {
	page, err := pageSize(o.Files, o.Path)
	if err != nil || page <= PageSize {
		return err
	}
	if info, err := os.Stat(o.Path); err != nil || info.Size() > maxRepaged {
		return nil //nolint:nilerr // Open tells
	}
	db, err := sql.Open("sqlite", o.plainDSN())
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode=DELETE").Scan(&mode); err == nil && mode == "delete" {
		_, _ = db.ExecContext(ctx, fmt.Sprintf("PRAGMA synchronous=FULL; PRAGMA page_size=%d; VACUUM", PageSize))
	}
	return db.Close()
}

// plainDSN is of the file as it is.
func (o *Options) plainDSN() string {
	values := url.Values{}
	if o.VFS != "" {
		values.Set("vfs", o.VFS)
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: o.Path}).EscapedPath()}).String() + "?" + values.Encode()
}
