package lyingdb

import (
	"errors"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// errOwn says that the system's VFS failed.
var errOwn = errors.New("the system's VFS failed")

// failed is errOwn for an error of SQLite's.
func failed(rc int32) error {
	if rc != sqlite3.SQLITE_OK {
		return errOwn
	}
	return nil
}

// closeFile is xClose. It is not asked for: programs that were killed close, too.
func closeFile(tls *libc.TLS, pFile uintptr) int32 {
	f := fileOf(pFile)
	rc := function[func(*libc.TLS, uintptr) int32](f.own.FxClose)(tls, pFile)
	f.h.Close()
	opened.Delete(pFile)
	return rc
}

// read is xRead.
func read(tls *libc.TLS, pFile, buf uintptr, amount int32, offset int64) int32 {
	f := fileOf(pFile)
	if err := f.h.Read(offset, int64(amount)); err != nil {
		return sqlite3.SQLITE_IOERR_READ
	}
	return function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.own.FxRead)(tls, pFile, buf, amount, offset)
}

// write is xWrite.
func write(tls *libc.TLS, pFile, buf uintptr, amount int32, offset int64) (rc int32) {
	f := fileOf(pFile)
	own := function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.own.FxWrite)
	err := f.h.Write(offset, int64(amount), func(length int64) error {
		rc = own(tls, pFile, buf, int32(length), offset) //nolint:gosec // it is not more than amount
		return failed(rc)
	})
	if rc != sqlite3.SQLITE_OK {
		return rc
	}
	return code(err, sqlite3.SQLITE_IOERR_WRITE)
}

// truncate is xTruncate.
func truncate(tls *libc.TLS, pFile uintptr, size int64) (rc int32) {
	f := fileOf(pFile)
	own := function[func(*libc.TLS, uintptr, int64) int32](f.own.FxTruncate)
	err := f.h.Truncate(size, func() error {
		rc = own(tls, pFile, size)
		return failed(rc)
	})
	if rc != sqlite3.SQLITE_OK {
		return rc
	}
	return code(err, sqlite3.SQLITE_IOERR_TRUNCATE)
}

// syncFile is xSync. Like the system's it syncs a new log's folder once, and passes over an error of that.
func syncFile(_ *libc.TLS, pFile uintptr, _ int32) int32 {
	f := fileOf(pFile)
	if err := f.h.Sync(); err != nil {
		return sqlite3.SQLITE_IOERR_FSYNC
	}
	if f.dirSync != "" {
		_ = f.vfs.disk.SyncDir(f.dirSync) // as said
		f.dirSync = ""
	}
	return sqlite3.SQLITE_OK
}
