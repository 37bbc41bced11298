// Package queue keeps validated records on disk until AWS has acknowledged what was made of them.
//
// Its promise: when Append's done is called with nil, every sample of the entry is on disk behind an fsync, or is
// counted there as refused, local or a duplicate; it leaves the disk only by Settle, or dropped at a bound and counted as
// that. The ledger is written in the same transactions, so it balances after any crash.
//
// Records are kept in arrival order, each in a pass. A pass gathers what belongs to one window of time, closes a grace
// after that window, and never changes after that, so a position inside it stays meaningful over restarts.
//
// The store is one SQLite file, `queue.db`, in WAL mode with `synchronous=FULL`: one fsync per commit. One connection
// writes. No SQL shows outside `gateway/queue`; `gateway/queue/store/schema.go` explains each column, and `sqlite3` may
// read it all while the gateway runs. `gateway/pass` is what the queue and the forwarder say to each other, in plain
// values.
//
// # The rooms below
//
// Each has one promise, which stands in its package comment. They are given a connection and plain values, and none
// knows the queue.
//
//	inbox    gathers what many senders ask for, so that one fsync serves them
//	store    opens the file, and tells from an error what is wrong with the disk
//	reports  reads the samples of a pass
//	books    the ledger and what was seen, in memory and folded to disk; seen recognises what comes again
//	dating   dates again what came while the clock was not right
//	thin     aggregates a backlog that has waited for long
//	held     which passes are in hand
//	episode  tells once when dropping begins and once when it is over
//	shares   says whose reports go first where there is no room for all
//	known    owners of names, metrics, and when boots began
//	wal      keeps the write-ahead log short
//	disk     what is done while the disk is in trouble
//	replace  opens a store that may be damaged, and puts a sound one in its place; salvage copies what can be read
//	ledger   accounts and their arithmetic; who only reads accounts imports this
//	ranges   sets of numbers
//
// # The report table is the log
//
// A commit inserts one row per message; its samples are one JSON column. The ledger and the memory of what was seen
// are functions of that log plus what has left it, so they need not be written with each commit: they are folded to
// disk when a pass is settled, or closes a window after the last fold, after 16384 reports, or when something happened
// that leaves no row (a refusal, a duplicate, a report of nothing but local samples; how many came beside others stands
// in the row). So an ordinary commit is rows and nothing else, and still every figure survives a kill. The row of an
// open pass gives it more ids than it has, so that it is written when it is new and when it closes.
//
// # Waiting for company
//
// What a commit costs is whole pages and an fsync, whatever is in it. So an agent's report waits for others, for
// `Linger`: agents of a fleet report within some seconds of each other, and what is not acknowledged they send again. It
// waits for nothing if its device is busy, sending one after the other (another one of it waits, or it was served just
// now); if it claims a name, since others are undecided until that is on disk; and no longer than until its pass closes,
// or its window would get a second datum. A script's message and an agent's first report wait 200 ms at most. Positions
// go along with the next commit, `Hurry` ends every wait, and so does the end of Run. How long the others wait is none
// of a device's business: the first whose wait is over takes all along.
//
// Pages are small, since few reports share one at the usual load.
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
// # Bounds
//
// `queue.max_bytes` bounds the pages in use; the write-ahead log comes on top. Before a report is stored that would
// not fit, others are dropped in the same transaction and their samples are booked as `dropped`, per device: the oldest
// reports of the device whose reports take the most bytes, one by one, until another's take more. So a device that
// floods pushes out what it sent itself, and where all are alike the oldest of all go. They are taken from passes that
// are not begun, closed or open, while Next picks none; such a pass has no position yet. A pass is begun when it is in
// hand or has a position. It goes whole, and only where nothing else is left; those in hand last. If a pass in hand is
// dropped its samples stay booked as dropped, also those that AWS got: `Settle` of a pass that is gone changes nothing.
//
// Who has how much is counted from the table when the first report has to go (some seconds for a million reports),
// and kept until nothing was dropped for ten minutes; a queue that is never full pays nothing for it. After a
// transaction that failed it is counted anew. What stays between dropped reports is written anew, up to four reports
// for one, since SQLite frees only pages that are nearly empty. One transaction drops 16 MB at most, and as much as it
// stores.
//
// SQLite's own `max_page_count` lies a tenth and 4 MB above, so that ledger and positions always fit. `queue.max_age`
// drops closed passes by their newest sample, while the gateway's clock is right.
//
// # Trouble
//
// What a full, read-only or failing disk does to a commit, and files that are moved away, the package disk deals with.
// Two more end Run, and the stages are opened anew in the process, with a pause that grows to 20 s:
//
//   - a read fails (a query fails): the store is read whole first, and salvaged only if that has failed six times
//     while the rest of the disk works.
//   - damage (SQLite says so, a table or a value cannot be ours, or the check of the whole store, which runs 10 s
//     after the start beside the work): the store is salvaged.
//
// At the start a disk that is read-only, or not writable, has opening tried again until it works. Each trouble is
// logged once when it begins and once when it ends, shown in systemd's status, and `GET /healthz` on the control socket
// (`piway-gateway health`) is red while it lasts. The socket is a file of the data folder and cannot always be; then an
// abstract one, of a name made of the folder's path, answers root and the gateway's own user with one line
// (`gateway/control/standby.go`). What the user got wrong (configuration, certificates, a port that is taken) still
// ends the program.
package queue
