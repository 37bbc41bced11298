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
