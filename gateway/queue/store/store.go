package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"modernc.org/sqlite"

	"piway/shared/files"
)

// BusyTimeout is how long a connection waits for others, in milliseconds; it is a statement.
const BusyTimeout = "PRAGMA busy_timeout=5000"

// Options say where a store is.
type Options struct {
	// Path of the file. Its folder exists.
	Path string
	// MaxBytes is where SQLite itself refuses to let the file grow.
	MaxBytes int64
	// Bulk says that a new store is being filled: its log is moved by SQLite, and closing it tells whether that worked.
	Bulk bool
	// Files is where the store is; VFS the same for SQLite, by its name, empty for this machine's.
	Files files.FS
	VFS   string
}

// connections are the writer's, the forwarder's, the ledger's, and one to spare.
const connections = 4

// A pinned connector opens connections until it is sealed. A connection that is opened later would find the files by
// their name, and take what the kernel shows of the log for what is on the disk: after a failed write that is more than
// the open ones know to be there; after the file was removed it would make another store.
type pinned struct {
	driver.Connector
	sealed atomic.Bool
}

var errSealed = errors.New("a connection to the store was lost")

// Connect is that of driver.Connector.
func (p *pinned) Connect(ctx context.Context) (driver.Conn, error) {
	if p.sealed.Load() {
		return nil, errSealed
	}
	return p.Connector.Connect(ctx)
}

// Open opens the file and makes the schema if it is new; an old one is brought to the form of this version. It reads
// little: see Check. What a log holds is on the disk before SQLite sees it: see writeBack. All connections are opened
// now, and none later.
func Open(ctx context.Context, o *Options) (*sql.DB, error) {
	if err := prepareFiles(o.Files, o.Path); err != nil {
		return nil, err
	}
	if err := o.repage(ctx); err != nil {
		return nil, err
	}
	page, err := pageSize(o.Files, o.Path)
	if err != nil {
		return nil, err
	}
	base, err := sqlite.NewConnector(o.dsn(page))
	if err != nil {
		return nil, err
	}
	connector := &pinned{Connector: base}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	err = prepareDB(ctx, db)
	if err == nil {
		err = connectAll(ctx, db)
	}
	// What swap renamed, and the files that are new, by their names too. SQLite does it for a log, and does not tell
	// if it failed.
	if err == nil {
		err = o.Files.SyncDir(filepath.Dir(o.Path))
	}
	if err != nil {
		_ = db.Close() // the first error is the one to tell
		return nil, err
	}
	connector.sealed.Store(true)
	return db, nil
}

// connectAll opens all connections, and the log in each.
func connectAll(ctx context.Context, db *sql.DB) error {
	var all []*sql.Conn
	defer func() {
		for _, c := range all {
			_ = c.Close() // back into the pool
		}
	}()
	for range connections {
		c, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		all = append(all, c)
		var n int
		if err := c.QueryRowContext(ctx, "SELECT COUNT(*) FROM meta").Scan(&n); err != nil {
			return err
		}
	}
	return nil
}

// prepareFiles makes the file, and what is in its log durable.
func prepareFiles(f files.FS, path string) error {
	// SQLite would make it readable for all; the log beside it gets the same mode.
	file, err := f.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if log, err := os.Stat(path + LogSuffix); err == nil && info.Size() == 0 && log.Size() > 0 {
		return fmt.Errorf("%w: it is empty, and its log is not", ErrDamaged) // SQLite would delete the log
	}
	return writeBack(f, path+LogSuffix)
}

// pageSize is that of the file, or of the one that it is going to be. Bytes 16 and 17 of a file tell it, in SQLite's
// database file format; what else stands there is damage, which SQLite notices.
func pageSize(f files.FS, path string) (size int64, err error) {
	file, err := f.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }() // only read
	var head [18]byte
	if _, err := file.ReadAt(head[:], 0); errors.Is(err, io.EOF) {
		return PageSize, nil
	} else if err != nil {
		return 0, err
	}
	return max(int64(binary.BigEndian.Uint16(head[16:])), 512), nil
}

// dsn is for a file of pages of that size.
func (o *Options) dsn(page int64) string {
	values := url.Values{
		"_pragma": {
			strings.TrimPrefix(BusyTimeout, "PRAGMA "),
			// Of a new file, before the first table or they have no effect, and in this order: the driver sorts pragmas.
			fmt.Sprintf("page_size(%d); PRAGMA auto_vacuum(INCREMENTAL)", PageSize),
			"cache_size(-512)",      // KiB a connection: rows are written once and read once
			"wal_autocheckpoint(0)", // it tells no errors: see checkpoint
			fmt.Sprintf("max_page_count(%d)", o.MaxBytes/page),
		},
		// These come after the pragmas.
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"}, // in WAL mode: one fsync per commit
		"_txlock":       {"deferred"},
	}
	if o.Bulk {
		values.Add("_pragma", fmt.Sprintf("wal_autocheckpoint(%d)", LogBytes/page))
	}
	if o.VFS != "" {
		values.Set("vfs", o.VFS)
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: o.Path}).EscapedPath()}).String() + "?" + values.Encode()
}

// Check reads all of the store and returns ErrDamaged if its structure is not sound. It does not see a changed value.
func Check(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, verdict)
	}
	return nil
}

// OpenDamaged opens a store for what can be read of it, and returns nil if nothing can. The log is read too, unless it
// is what keeps the rest from being read.
func OpenDamaged(ctx context.Context, path string) *sql.DB {
	_ = os.Remove(path + IndexSuffix) // SQLite makes it from the log; an old one may mislead
	for _, mode := range []url.Values{{"mode": {"ro"}}, {"immutable": {"1"}, "mode": {"ro"}}} {
		mode["_pragma"] = []string{"trusted_schema(0)", "cell_size_check(1)", "cache_size(-2048)"}
		dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String() + "?" + mode.Encode()
		db, err := sql.Open("sqlite", dsn)
		if err != nil {
			return nil
		}
		db.SetMaxOpenConns(1)
		var n int
		if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_master WHERE type='table'").Scan(&n); err == nil &&
			n > 0 {
			return db
		}
		_ = db.Close() // it was only read
	}
	return nil
}
