package store

import (
	"context"
	"database/sql"
	"fmt"
)

// schema is version 6. An operator may read it all with the sqlite3 command while the gateway runs.
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
  mono     INTEGER NOT NULL,     -- nanoseconds since the gateway's machine started; before version 4, since the gateway did
  shift    REAL    NOT NULL,     -- seconds to add to the samples' own times
  n        INTEGER NOT NULL,     -- how many samples
  samples  BLOB    NOT NULL,     -- JSON array, times as received; an object where they are thinned
  sent_uptime REAL NOT NULL DEFAULT 0,    -- as received
  host     INTEGER NOT NULL DEFAULT 0,    -- the run of the gateway's machine whose clock was not known to be right; 0: it was
  local    INTEGER NOT NULL DEFAULT 0     -- how many more samples came with it, which stay on the LAN
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
  thinned     INTEGER NOT NULL DEFAULT 0,   -- seconds of the windows that its samples were aggregated to, 0 = as received
  newest      INTEGER NOT NULL DEFAULT 0,   -- of its samples, Unix seconds
  undated     INTEGER NOT NULL DEFAULT 0    -- 1: some of its reports came while the gateway's clock was not known to be right
);
CREATE INDEX pass_newest ON pass (undated, newest) WHERE closed>0;
CREATE TABLE host (              -- runs of the gateway's machine of which the clock is or was not known to be right
  id       INTEGER PRIMARY KEY,
  boot     TEXT    NOT NULL,     -- the kernel's boot id
  after    INTEGER NOT NULL      -- the newest time, Unix nanoseconds, that was known to be right when it began
);
CREATE TABLE parked (            -- samples in parked datums, which wait like all in report
  pass     INTEGER NOT NULL,
  device   TEXT    NOT NULL,
  reason   TEXT    NOT NULL,
  n        INTEGER NOT NULL,
  PRIMARY KEY (pass, device, reason)
) WITHOUT ROWID;
CREATE TABLE ledger (            -- samples by outcome; received, local and stored as of fold, see meta
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
CREATE TABLE metric (            -- what a device sends: each name with each unit has a price at AWS
  device   TEXT NOT NULL,
  name     TEXT NOT NULL,
  unit     TEXT NOT NULL,
  value    REAL NOT NULL,        -- of a sample, and when that arrived in Unix seconds: up to an hour old
  seen     REAL NOT NULL,
  PRIMARY KEY (device, name, unit)
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
INSERT INTO meta VALUES ('right', 0);       -- the newest time of arrival, Unix nanoseconds, by a clock known to be right
PRAGMA user_version = 6;
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
`, `
ALTER TABLE report ADD COLUMN sent_uptime REAL NOT NULL DEFAULT 0;
ALTER TABLE report ADD COLUMN host INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pass ADD COLUMN newest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pass ADD COLUMN undated INTEGER NOT NULL DEFAULT 0;
UPDATE pass SET newest=start;
CREATE INDEX pass_newest ON pass (undated, newest) WHERE closed>0;
CREATE TABLE host (id INTEGER PRIMARY KEY, boot TEXT NOT NULL, after INTEGER NOT NULL);
DELETE FROM meta WHERE key='last_closed';
INSERT INTO meta VALUES ('right', 0);
PRAGMA user_version = 4;
`, `
CREATE TABLE metric (device TEXT NOT NULL, name TEXT NOT NULL, unit TEXT NOT NULL, value REAL NOT NULL, seen REAL NOT NULL,
  PRIMARY KEY (device, name, unit)) WITHOUT ROWID;
PRAGMA user_version = 5;
`, `
ALTER TABLE report ADD COLUMN local INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 6;
`}

const (
	schemaVersion = 6
	// PageSize is that of a new file, in bytes. A commit writes whole pages, and few reports share one at the usual load:
	// small pages write less. It costs nothing at a high one, where commits are long.
	PageSize = 1024
)

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
	return checkTables(ctx, db)
}

// checkTables returns ErrDamaged if a table of the schema is not there, or has other columns.
func checkTables(ctx context.Context, db *sql.DB) error {
	sound, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return err
	}
	defer func() { _ = sound.Close() }() // it holds nothing
	sound.SetMaxOpenConns(1)             // each would have a memory of its own
	if _, err := sound.ExecContext(ctx, schema); err != nil {
		return err
	}
	want, err := tablesOf(ctx, sound)
	if err != nil {
		return err
	}
	got, err := tablesOf(ctx, db)
	if err != nil {
		return err
	}
	for table, columns := range want {
		if got[table] != columns {
			return fmt.Errorf("%w: the columns of table %s are %q", ErrDamaged, table, got[table])
		}
	}
	return nil
}

// tablesOf returns the columns of each table, in the order of their names.
func tablesOf(ctx context.Context, db *sql.DB) (map[string]string, error) {
	tables := map[string]string{}
	var table, column string
	rows, err := db.QueryContext(ctx, `SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
		WHERE m.type='table' ORDER BY m.name, c.name`)
	return tables, Each(rows, err, func() error { tables[table] += " " + column; return nil }, &table, &column)
}
