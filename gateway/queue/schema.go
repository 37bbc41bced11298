package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// schema is version 3. An operator may read it all with the sqlite3 command while the gateway runs.
const schema = `
CREATE TABLE report (            -- one row per message, in arrival order
  id       INTEGER PRIMARY KEY,
  pass     INTEGER NOT NULL,
  device   TEXT    NOT NULL,
  run      TEXT    NOT NULL,     -- '' = cannot be recognised when it comes again
  seq      INTEGER NOT NULL,
  sent     REAL    NOT NULL,     -- sent, boot, uptime, clock: as received
  boot     TEXT    NOT NULL,
  uptime   REAL    NOT NULL,
  clock    TEXT    NOT NULL,
  arrived  INTEGER NOT NULL,     -- the gateway's wall clock, Unix nanoseconds
  mono     INTEGER NOT NULL,     -- the gateway's monotonic clock, nanoseconds since it started
  shift    REAL    NOT NULL,     -- seconds to add to the samples' own times
  n        INTEGER NOT NULL,     -- how many samples
  samples  BLOB    NOT NULL      -- JSON array, times as received; an object where they are thinned
);
CREATE TABLE pass (
  start       INTEGER PRIMARY KEY, -- its window's start, Unix seconds; only the order matters
  first       INTEGER NOT NULL,    -- its reports lie between these two ids
  last        INTEGER NOT NULL,
  closed      INTEGER NOT NULL DEFAULT 0,   -- 0 takes reports, 1 to be sent, 2 sent but for what is parked
  next        INTEGER NOT NULL DEFAULT 0,   -- the first datum that AWS has not acknowledged
  fingerprint TEXT    NOT NULL DEFAULT '',  -- of the code and settings that number the datums
  expired     TEXT    NOT NULL DEFAULT '',  -- datums below next that were not sent: ranges lo-hi,…
  parked      TEXT    NOT NULL DEFAULT '',  -- datums below next that AWS does not let through, in the same form
  thinned     INTEGER NOT NULL DEFAULT 0    -- seconds of the windows that its samples were aggregated to, 0 = as received
);
CREATE TABLE parked (            -- samples in parked datums, which wait like all in report
  pass     INTEGER NOT NULL,
  device   TEXT    NOT NULL,
  reason   TEXT    NOT NULL,
  n        INTEGER NOT NULL,
  PRIMARY KEY (pass, device, reason)
) WITHOUT ROWID;
CREATE TABLE ledger (            -- samples by outcome; received and stored as of fold, see meta
  device   TEXT NOT NULL,
  outcome  TEXT NOT NULL,
  reason   TEXT NOT NULL,
  n        INTEGER NOT NULL,
  PRIMARY KEY (device, outcome, reason)
) WITHOUT ROWID;
CREATE TABLE seen (              -- what was stored, to recognise redelivery
  device   TEXT NOT NULL,
  run      TEXT NOT NULL,
  ranges   TEXT NOT NULL,        -- of seq: lo-hi,…
  last     INTEGER NOT NULL,     -- Unix seconds of the last report
  PRIMARY KEY (device, run)
) WITHOUT ROWID;
CREATE TABLE owner (             -- whose a metric name is
  name     TEXT PRIMARY KEY,
  device   TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE boot (              -- when a device's boots began, to date what it read without a clock
  device   TEXT NOT NULL,
  id       TEXT NOT NULL,
  began    REAL NOT NULL,        -- Unix seconds
  told     INTEGER NOT NULL,     -- the report that told it: the newest of a device are kept
  PRIMARY KEY (device, id)
) WITHOUT ROWID;
CREATE TABLE meta (key TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('fold', 0);        -- ledger and seen include the reports up to this id
INSERT INTO meta VALUES ('last_closed', 0); -- the newest pass that was ever closed
PRAGMA user_version = 3;
`

// upgrades make a file of version i+1 one of the next.
var upgrades = []string{`
ALTER TABLE pass ADD COLUMN parked TEXT NOT NULL DEFAULT '';
CREATE TABLE parked (pass INTEGER NOT NULL, device TEXT NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (pass, device, reason)) WITHOUT ROWID;
PRAGMA user_version = 2;
`, `
CREATE TABLE boot (device TEXT NOT NULL, id TEXT NOT NULL, began REAL NOT NULL, told INTEGER NOT NULL,
  PRIMARY KEY (device, id)) WITHOUT ROWID;
ALTER TABLE pass ADD COLUMN thinned INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 3;
`}

const (
	schemaVersion = 3
	pageSize      = 4096
	// walLimit is what the write-ahead log shrinks to after a checkpoint.
	walLimit = 4 << 20
)

// openDB opens the file and makes the schema if it is new. Of an old one it reads little; see check.
func openDB(ctx context.Context, cfg Config) (*sql.DB, error) {
	// SQLite would make it readable for all; the log beside it gets the same mode.
	f, err := os.OpenFile(cfg.Path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if log, err := os.Stat(cfg.Path + "-wal"); err == nil && info.Size() == 0 && log.Size() > 0 {
		return nil, fmt.Errorf("%w: it is empty, and its log is not", ErrDamaged) // SQLite would delete the log
	}
	values := url.Values{
		"_pragma": {
			"busy_timeout(5000)",
			"cache_size(-512)",         // KiB a connection: rows are written once and read once
			"auto_vacuum(INCREMENTAL)", // before the first table, or it has no effect
			"journal_mode(WAL)",
			"synchronous(FULL)", // in WAL mode: one fsync per commit
			fmt.Sprintf("journal_size_limit(%d)", walLimit),
			fmt.Sprintf("max_page_count(%d)", cfg.backstop()/pageSize),
		},
		"_txlock": {"deferred"},
	}
	if cfg.VFS != "" {
		values.Set("vfs", cfg.VFS)
	}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: cfg.Path}).EscapedPath()}).String() + "?" + values.Encode()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4) // the writer's, the forwarder's, the ledger's, one to spare
	if err := prepareDB(ctx, db); err != nil {
		_ = db.Close() // the first error is the one to tell
		return nil, err
	}
	return db, nil
}

func prepareDB(ctx context.Context, db *sql.DB) error {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch {
	case version == 0:
		_, err := db.ExecContext(ctx, "BEGIN IMMEDIATE;"+schema+"COMMIT;")
		return err
	case version < 0 || version > schemaVersion+1000:
		return fmt.Errorf("%w: its format is %d", ErrDamaged, version)
	case version > schemaVersion:
		return fmt.Errorf("its format is %d, this version reads %d: %w", version, schemaVersion, errNewer)
	}
	for _, upgrade := range upgrades[version-1:] {
		if _, err := db.ExecContext(ctx, "BEGIN IMMEDIATE;"+upgrade+"COMMIT;"); err != nil {
			return fmt.Errorf("bringing its format from %d to %d: %w", version, schemaVersion, err)
		}
	}
	return nil
}
