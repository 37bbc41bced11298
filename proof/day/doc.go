// Package day counts what the gateway writes in a day: how many bytes, to which file, and for what of the store.
//
// Its one promise: what can be seen is seen, and each byte is counted once. The stages are the gateway's own, wired as
// gateway/gateway does, from intake to uplink, in a bubble in which a day takes half a minute. A VFS under SQLite sees
// each write and each sync; the pages in the log say of which table or index they are, and the sum of all reasons is
// what was written. `make day` prints the tables; the test measures half an hour, and holds that to its bars.
//
// Bytes are told in two ways: as they were written, and as a disk takes them, which is whole blocks of 4 KiB: each block
// counts once between two syncs of its file, however little of it was written. The second is what the kernel calls
// write_bytes (/proc/PID/io).
//
// In the environment PIWAY_DAY_PAGE=512 is another size of the store's pages, and PIWAY_DAY_FSYNC=20ms another time that
// a sync takes. PIWAY_DAY_REAL=3m measures the real programs for that long beside the reckoning, on a disk, as the
// kernel counts them.
//
// # What is assumed
//
//   - A sync takes 5 ms, and AWS 50 ms to acknowledge. Both decide how many share a commit.
//   - The log's index (-shm) is mapped, so that no VFS sees it: what the kernel writes of it is reckoned from what SQLite
//     changes in it, and from Linux's defaults of when that is written.
//   - AWS is at the end of a pipe, and devices call the intake: sockets do not work in a bubble. The broker, the control
//     socket and the feedback write nothing.
//   - With 2,000 Pis the metric form has more datums than AWS takes in a second: no pass ends, and the backlog grows.
//
// Not counted is the file system's own bookkeeping; the kernel does not count that either.
package day
