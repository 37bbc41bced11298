package queue

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"modernc.org/sqlite"

	"piway/shared/files"
)

// busyTimeout is how long a connection waits for others, in milliseconds.
const busyTimeout = "PRAGMA busy_timeout=5000"

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

// openDB opens the file and makes the schema if it is new. Of an old one it reads little; see check. What a log holds is
// on the disk before SQLite sees it: see writeBack.
func openDB(ctx context.Context, cfg *Config) (*sql.DB, error) {
	if err := prepareFiles(cfg.Files, cfg.Path); err != nil {
		return nil, err
	}
	base, err := sqlite.NewConnector(cfg.dsn())
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
	// What swap renamed, and the files that are new, by their names too. SQLite does it for a log, and does not tell if it failed.
	if err == nil {
		err = cfg.Files.SyncDir(filepath.Dir(cfg.Path))
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
	if log, err := os.Stat(path + logSuffix); err == nil && info.Size() == 0 && log.Size() > 0 {
		return fmt.Errorf("%w: it is empty, and its log is not", ErrDamaged) // SQLite would delete the log
	}
	return writeBack(f, path+logSuffix)
}

func (c *Config) dsn() string {
	values := url.Values{
		"_pragma": {
			strings.TrimPrefix(busyTimeout, "PRAGMA "),
			"cache_size(-512)",         // KiB a connection: rows are written once and read once
			"auto_vacuum(INCREMENTAL)", // before the first table, or it has no effect
			"journal_mode(WAL)",
			"synchronous(FULL)",     // in WAL mode: one fsync per commit
			"wal_autocheckpoint(0)", // it tells no errors: see checkpoint
			fmt.Sprintf("max_page_count(%d)", c.backstop()/pageSize),
		},
		"_txlock": {"deferred"},
	}
	if c.bulk {
		values.Add("_pragma", fmt.Sprintf("wal_autocheckpoint(%d)", logPages))
	}
	if c.VFS != "" {
		values.Set("vfs", c.VFS)
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: c.Path}).EscapedPath()}).String() + "?" + values.Encode()
}
