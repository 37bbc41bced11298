// Package queue keeps validated records on disk until AWS has acknowledged what was made of them.
//
// Its promise: when Append's done is called with nil, every sample of the entry is on disk behind an fsync, or is
// counted there as refused or as a duplicate; it leaves the disk only by Settle, or dropped at a bound and counted as
// that. The ledger is written in the same transactions, so it balances after any crash.
//
// Records are kept in arrival order, each in a pass. A pass gathers what belongs to one window of time, closes a grace
// after that window, and never changes after that, so a position inside it stays meaningful over restarts.
//
// The store is one SQLite file with a write-ahead log, which the package store opens. No SQL shows outside this
// package.
//
// One SQLite file, `queue.db`, in WAL mode with `synchronous=FULL`: one fsync per commit. One connection writes.
// Nothing of SQLite shows outside `gateway/queue`; `gateway/queue/store/schema.go` explains each column, and `sqlite3`
// may read it all while the gateway runs. Beneath the queue: `queue/store` opens the file, and alone knows SQLite's
// library and what its errors say of the disk; `queue/salvage` copies what can be read of a damaged one; and without
// SQL, `queue/ledger` (accounts and their arithmetic; who only reads accounts imports this) and `queue/ranges` (sets
// of numbers). `gateway/pass` is what the queue and the forwarder say to each other, in plain values.
//
// # The report table is the log
//
// A commit inserts one row per message; its samples are one JSON column. The ledger and the memory of what was seen
// are functions of that log plus what has left it, so they need not be written with each commit: they live in the
// writer's memory and are folded to disk when a pass closes or is settled, after 4096 reports, or when something
// happened that leaves no row (a refusal, a duplicate). `meta.fold` is the last row that is folded in. `Open` replays
// the rows behind it; a reader of the ledger adds them. So an ordinary commit is rows and nothing else, and still
// every figure survives a kill. `waiting` is counted from the rows themselves, which makes it an independent check of
// the rest:
//
//	received = refused + duplicate + stored          stored = waiting + sent + expired + dropped
//
// # Redelivery
//
// `(device, run, seq)` names a report. What was stored is kept as ranges of `seq` per device and run, for 14 days
// after the run's last report (by a clock that is right, and also by the time that this process has run: a clock that
// is set forgets nothing; then what is missing of the run never comes, and is counted in the ledger), at most 512 runs
// a device and 512 ranges a run; beyond that the oldest is forgotten, which can cost a duplicate and never a sample. A
// script's message has no run and cannot be recognised.
//
// # Passes and positions
//
// Each report belongs to a pass, chosen at commit: the window of its newest sample, but none whose grace has passed
// and none after the window of arrival. A pass closes a grace after its window ends (also after window + grace by
// CLOCK_BOOTTIME, should the wall clock be set back), and never changes after that. It is named by its window; where a
// clock that was set would name one twice, it gets the next free number, and only that. Nothing is judged by a name:
// how old a pass is, its newest sample says (`pass.newest`). Since `rollup` and `encode` are deterministic, `(pass,
// number of the datum)` is a position that means the same after a restart: there is no second queue of outgoing
// messages. That holds only while code and settings are the same, so a pass carries a fingerprint of both
// (`rollup.Version`, `encode.Version`, window, rules); where it differs, the pass starts again from its first datum,
// which costs duplicates and never a sample. Datums that are too old are skipped and remembered by number
// (`pass.expired`), never renumbered. When the last datum of a pass is settled its rows are deleted and its samples
// booked, in one transaction.
//
// The pass decides when something is sent, not where it is shown: a report with a backlog spreads over the windows of
// its samples' own times. A window that gets samples after it was sent gets a second datum. CloudWatch averages two
// averages without weights, and adds two sums: exact for samples that come in time, an approximation for stragglers.
//
// # The write-ahead log
//
// SQLite's automatic checkpoints are off, since they tell no error. The writer moves the log into the store when it
// holds 4 MB, and empties it after a minute without a commit (`queue/log.go`). An error of that is one of the disk. Who
// reads the store for so long that the log grows is named, from `/proc/locks`.
//
// # Bounds
//
// `queue.max_bytes` bounds the pages in use; the write-ahead log comes on top. Before a report is stored that would
// not fit, the oldest closed pass is dropped in the same transaction and its samples are booked as `dropped`, per
// device. Passes that the forwarder has in hand go after all other closed ones, then the first reports of the oldest
// open pass. If a pass in hand is dropped its samples stay booked as dropped, also those that AWS got: `Settle` of a
// pass that is gone changes nothing. SQLite's own `max_page_count` lies a tenth and 4 MB above, so that ledger and
// positions always fit. `queue.max_age` drops closed passes by their newest sample, while the gateway's clock is
// right.
//
// # Thinning
//
// With `queue.thin_after`, closed passes of which nothing was handed out are merged: those of five minutes into one
// pass, later those of an hour, with one row for each device, in one transaction a group (`gateway/queue/thin.go`). A
// row then holds a summary for each metric and window: number, sum, minimum, maximum, last value. The column `n` stays
// the number of samples, so the ledger does not notice. `pass.thinned` is the window that the rollup must use for it;
// it changes only while the position is 0 and the pass is in nobody's hand, so a position keeps its meaning. Under
// `values` a summary gives up to 100 values with the true minimum, maximum and average; percentiles are then
// approximate.
//
// # Disk trouble
//
//   - full, or over a quota (a commit fails): reports are refused without a transaction each, and not acknowledged;
//     the ballast (8 MiB in the data folder) is deleted so that SQLite can write what settles and deletes; each second
//     the store gives free pages back, and reports are taken again once there is room for the ballast and as much
//     again.
//   - read-only, not writable (a commit fails, or opening): while running, the same without the ballast; at the start,
//     opening is tried again until it works.
//   - a write or a sync fails (a commit or a checkpoint fails): nothing is acknowledged, and nothing written, until
//     the log is emptied on the open connections; after 10 s of that the store is copied into a new file; see below.
//   - the store's files are removed, replaced or cut off (device, inode and size, five times a second): nothing is
//     acknowledged; what the open connections see is copied into a new file, which takes the store's place.
//   - a read fails (a query fails): the stages are closed and opened anew in the process, with a pause that grows to
//     20 s; the store is read whole first, and salvaged only if that has failed six times while the rest of the disk
//     works.
//   - damage (SQLite says so, a table or a value cannot be ours, or the check of the whole store, which runs 10 s
//     after the start beside the work): the stages are opened anew, and the store is salvaged.
//
// Each is logged once when it begins and once when it ends, shown in systemd's status, and `GET /healthz` on the
// control socket (`piway-gateway health`) is red while it lasts. The socket is a file of the data folder and cannot
// always be; then an abstract one, of a name made of the folder's path, answers root and the gateway's own user with
// one line (`gateway/control/standby.go`). What the user got wrong (configuration, certificates, a port that is taken)
// still ends the program.
//
// After a write or a sync that failed the kernel takes the pages for written, shows them, and forgets them some day.
// So the store must not be closed and opened again: recovery would believe what is shown, answer redeliveries as
// duplicates, and put new commits behind a hole (`gateway/queue/repair.go`). The open connections know better: their
// index of the log ends at the last commit whose sync succeeded. `wal_checkpoint(TRUNCATE)` on them reads no more than
// that, writes it to the store's file, syncs it and empties the log; a power cut in the middle changes nothing. Where
// it goes on failing, `VACUUM INTO` copies what they see into a new file, which is synced and renamed, and takes the
// store's place when the stages are opened anew. If the process is killed instead, the next `Open` writes the log that
// it finds back in place, byte for byte, and syncs it before SQLite sees it: then what recovery believes is on the
// disk. All connections are opened at the start and kept.
//
// Salvage (`queue/salvage`; `queue/rebuild.go` balances what came over) reads the damaged store row by row, around
// what cannot be read, and takes only rows that the queue could have written. A pass keeps its position if all of its
// reports are there; else it is sent from its first datum again. Samples that the ledger has as stored and that are
// nowhere are booked as dropped, `damaged store`; what was stored after the last fold and is lost is in no account,
// and its number is in the log and in the gaps of the runs. The new store is built beside the old one and takes its
// place by renames that a crash may part at any point; the old one stays as `queue.damaged-<UTC time>`, of which the
// newest three are kept. A byte changed in the write-ahead log ends it there for SQLite, which says nothing: the
// commits behind it are missing, and only the gaps in the runs' numbers tell. A page that is the first of the file,
// with the schema, costs the whole store.
package queue
