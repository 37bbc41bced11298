// Package store opens the file in which the queue keeps its records, and tells from an error what is wrong with the
// disk.
//
// Its promise: what SQLite reads at the start is on the disk, and each commit is there behind an fsync. The library is
// known here only; the queue says SQL to what Open returns.
//
// # Traps in SQLite and database/sql, and their guards
//
//   - SQLite forgets max_page_count at close: each connection sets it.
//   - It swallows the errors of automatic checkpoints: none are automatic, and the queue moves the log itself.
//   - Recovery, and each new connection, believes what the kernel shows of the log: writeback.go makes the log durable
//     before SQLite reads it, and all connections are opened at the start and kept.
//   - It ignores an error of the folder's fsync for a new log: Open syncs the folder.
//   - A process that closes any descriptor of the file loses its locks on it: nothing but SQLite opens the store's
//     files while it is open.
//   - A query whose context ends costs its connection: the queue's writer and readers have contexts of their own,
//     which end with the queue.
//
// # Limits
//
//   - The file shrinks only when the disk is full; free pages are used again. The log, some megabytes, comes on top of
//     MaxBytes.
//   - An index of the log (-shm) that is cut off ends the process (SIGBUS, since it is mapped). The next start makes a
//     new one.
//   - If an older copy of the store is put beside a left-over log while the gateway is stopped, SQLite mixes the two.
//     Only the check of the whole store finds that.
package store
