// Package lyingdb puts a disk that lies under SQLite, for tests: a VFS between it and the system's own.
//
// Its one promise: what SQLite writes, truncates, syncs and deletes is done to the real files as the lying.Disk
// allows, and known to it. A sync goes to the disk alone, so tests are fast. Locks and shared memory (-shm) are the
// system's own; memory-mapped reads and files without a name are not seen.
package lyingdb

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"piway/shared/files/lying"
)

// A vfs is what SQLite is told as one.
type vfs struct {
	disk *lying.Disk
	own  *sqlite3.Tsqlite3_vfs // the system's

	mu      sync.Mutex
	methods map[uintptr]uintptr // ours for those of the system; it has several
}

// A file is open in SQLite.
type file struct {
	vfs *vfs
	h   *lying.Handle
	own *sqlite3.Tsqlite3_io_methods // the system's
	// dirSync is the folder to be synced with the file's first sync, as the system's VFS does for a new journal or log;
	// "" for none.
	dirSync string
}

var (
	registered sync.Map // uintptr of sqlite3_vfs -> *vfs
	opened     sync.Map // uintptr of sqlite3_file -> *file
	count      atomic.Int64
)

// Register makes a VFS over the disk known to SQLite until the test ends, by which time the databases that were opened
// with it (vfs=NAME in the DSN) must be closed. The databases must lie below the disk's folder.
func Register(tb testing.TB, d *lying.Disk) (name string) {
	tb.Helper()
	tls := libc.NewTLS()
	name = fmt.Sprintf("lying%d", count.Add(1))
	text, err := libc.CString(name)
	if err != nil {
		tb.Fatal(err)
	}
	system := sqlite3.Xsqlite3_vfs_find(tls, 0)
	p := copied[sqlite3.Tsqlite3_vfs](tls, system)
	if system == 0 || p == 0 {
		tb.Fatal("SQLite has no VFS, or no memory")
	}
	v := &vfs{disk: d, own: at[sqlite3.Tsqlite3_vfs](system), methods: map[uintptr]uintptr{}}
	c := at[sqlite3.Tsqlite3_vfs](p)
	c.FzName, c.FpNext = text, 0
	c.FxOpen, c.FxDelete = pointer(open), pointer(remove)
	registered.Store(p, v)
	if rc := sqlite3.Xsqlite3_vfs_register(tls, p, 0); rc != sqlite3.SQLITE_OK {
		tb.Fatalf("registering a VFS: SQLite's error %d", rc)
	}
	tb.Cleanup(func() {
		sqlite3.Xsqlite3_vfs_unregister(tls, p)
		registered.Delete(p)
		for _, m := range v.methods {
			libc.Xfree(tls, m)
		}
		libc.Xfree(tls, p)
		libc.Xfree(tls, text)
		tls.Close()
	})
	return name
}

func vfsOf(p uintptr) *vfs {
	v, _ := registered.Load(p)
	return v.(*vfs) // SQLite calls what was registered
}

func fileOf(p uintptr) *file {
	f, _ := opened.Load(p)
	return f.(*file) // SQLite calls what was opened
}

// open is xOpen.
func open(tls *libc.TLS, pVfs, zName, pFile uintptr, flags int32, pOut uintptr) int32 {
	v := vfsOf(pVfs)
	own := function[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](v.own.FxOpen)
	if zName == 0 || flags&sqlite3.SQLITE_OPEN_DELETEONCLOSE != 0 {
		return own(tls, pVfs, zName, pFile, flags, pOut)
	}
	path := libc.GoString(zName)
	if err := v.disk.Ask(lying.Op{Kind: lying.Open, Path: path}); err != nil {
		at[sqlite3.Tsqlite3_file](pFile).FpMethods = 0 // nothing to close
		return code(err, sqlite3.SQLITE_CANTOPEN)
	}
	if rc := own(tls, pVfs, zName, pFile, flags, pOut); rc != sqlite3.SQLITE_OK {
		return rc
	}
	base := at[sqlite3.Tsqlite3_file](pFile)
	f := &file{vfs: v, own: at[sqlite3.Tsqlite3_io_methods](base.FpMethods)}
	const journals = sqlite3.SQLITE_OPEN_MAIN_JOURNAL | sqlite3.SQLITE_OPEN_SUPER_JOURNAL | sqlite3.SQLITE_OPEN_WAL
	if flags&sqlite3.SQLITE_OPEN_CREATE != 0 && flags&journals != 0 {
		f.dirSync = filepath.Dir(path)
	}
	var err error
	if f.h, err = v.disk.Attach(path); err != nil {
		closeOwn := function[func(*libc.TLS, uintptr) int32](f.own.FxClose)
		_ = closeOwn(tls, pFile) // the first error is the one to tell
		base.FpMethods = 0
		return code(err, sqlite3.SQLITE_CANTOPEN)
	}
	base.FpMethods = v.wrap(tls, base.FpMethods)
	opened.Store(pFile, f)
	return sqlite3.SQLITE_OK
}

// wrap returns methods that come here first.
func (v *vfs) wrap(tls *libc.TLS, own uintptr) uintptr {
	v.mu.Lock()
	defer v.mu.Unlock()
	if p := v.methods[own]; p != 0 {
		return p
	}
	p := copied[sqlite3.Tsqlite3_io_methods](tls, own)
	m := at[sqlite3.Tsqlite3_io_methods](p)
	m.FxClose, m.FxRead, m.FxWrite = pointer(closeFile), pointer(read), pointer(write)
	m.FxTruncate, m.FxSync = pointer(truncate), pointer(syncFile)
	v.methods[own] = p
	return p
}

// remove is xDelete.
func remove(_ *libc.TLS, pVfs, zPath uintptr, dirSync int32) int32 {
	v, path := vfsOf(pVfs), libc.GoString(zPath)
	switch err := v.disk.Remove(path); {
	case errors.Is(err, fs.ErrNotExist):
		return sqlite3.SQLITE_IOERR_DELETE_NOENT
	case err != nil:
		return sqlite3.SQLITE_IOERR_DELETE
	}
	if dirSync&1 != 0 && v.disk.SyncDir(filepath.Dir(path)) != nil {
		return sqlite3.SQLITE_IOERR_DIR_FSYNC
	}
	return sqlite3.SQLITE_OK
}

// code is SQLite's for an error: that of a full disk, or other.
func code(err error, other int32) int32 {
	switch {
	case err == nil:
		return sqlite3.SQLITE_OK
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return sqlite3.SQLITE_FULL
	default:
		return other
	}
}
