// Package day counts what the gateway writes in a day: how many bytes, to which file, and for what of the store.
//
// Its one promise: nothing is guessed that can be seen. The stages are the gateway's own, wired as gateway/gateway does,
// in a bubble in which a day takes a minute; a VFS under SQLite sees each write and each sync, and the pages that are
// written say of which table or index they are. `make day` prints the table; the test holds it for an hour to its bars.
//
// Bytes are told in two ways: as they were written, and as a disk takes them, which is whole blocks of 4 KiB: each block
// counts once between two syncs of its file, however little of it was written. The second is what the kernel calls
// write_bytes (/proc/PID/io).
//
// Not seen are the index of the log (-shm), which is mapped, and the file system's own bookkeeping.
package day
