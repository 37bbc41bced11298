package queue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// What to do about a disk, for the operator.
const (
	fixFull     = "delete something, or move data.dir to a larger disk; the gateway goes on by itself"
	fixReadOnly = "look at the kernel's log (dmesg), mount the disk writable, give data.dir to the gateway's user; the gateway goes on by itself"
	fixBound    = "a larger queue.max_bytes; see why the cloud takes too little"
)

// scarce is how little free space counts as a full disk.
const scarce = 16 << 20

// A ballast is a file that is given up when the disk is full, so that what makes room has room itself: SQLite writes
// to its log to delete.
type ballast struct {
	path string
	size int64 // 0 for none
}

// make writes the file, if there is clearly room. It really takes the space: nothing is sparse.
func (b ballast) make() bool {
	if b.size <= 0 || b.there() {
		return b.size > 0
	}
	if free, err := room(filepath.Dir(b.path)); err != nil || free < 2*b.size {
		return false
	}
	if err := writeSynced(b.path, b.size); err != nil {
		_ = os.Remove(b.path) // a part of it is of no use
		return false
	}
	return true
}

func (b ballast) there() bool {
	info, err := os.Stat(b.path)
	return err == nil && info.Size() >= b.size
}

// free gives the space back. It reports whether there was any.
func (b ballast) free() bool { return b.size > 0 && os.Remove(b.path) == nil }

// room is how many bytes a user may still write to the file system of a folder.
func room(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("looking at the free space of %s: %w", dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:gosec,unconvert // fits; int32 on some machines
}

// tryWrite writes a little into a folder, down to the disk.
func tryWrite(dir string) error {
	path := filepath.Join(dir, "probe")
	err := writeSynced(path, 64<<10)
	if rerr := os.Remove(path); err == nil && !errors.Is(rerr, fs.ErrNotExist) {
		err = rerr
	}
	return err
}

func writeSynced(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	zeros := make([]byte, 64<<10)
	for left := size; left > 0 && err == nil; left -= int64(len(zeros)) {
		_, err = f.Write(zeros[:min(left, int64(len(zeros)))])
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// probeEvery is how often a disk that takes nothing is looked at.
const probeEvery = time.Second

// A disk knows whether what is appended can be stored. While it cannot, entries are refused without a transaction each.
type disk struct {
	cfg     *Config
	mono    func() time.Duration
	ballast ballast

	// Only the goroutine of Run uses these.
	next    time.Duration // when to look again
	try     bool          // the next entries may be tried
	freed   bool          // the ballast was given up
	begun   time.Duration
	refused int64 // messages

	mu   sync.Mutex // guards the fields below
	kind trouble
	why  string
}

func (d *disk) dir() string { return filepath.Dir(d.cfg.Path) }

// Trouble says why nothing is stored, "" if all is well. It is safe to call at any time.
func (q *Queue) Trouble() string {
	q.disk.mu.Lock()
	defer q.disk.mu.Unlock()
	return q.disk.why
}

// state is read by Run alone without the lock.
func (d *disk) set(kind trouble, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kind, d.why = kind, why
}

// failed notes a failed transaction. It reports whether the same work may succeed now: room was made for it.
func (d *disk) failed(kind trouble, err error) (freed bool) {
	what, fix := "", ""
	switch kind { //nolint:exhaustive // the others are no state of a disk
	case diskFull:
		what, fix, freed = "the disk is full", fixFull, d.ballast.free()
	case atBound:
		what, fix = "the store may not grow further", fixBound
	case readOnly:
		what, fix = "the disk is read-only", fixReadOnly
	default:
		return false
	}
	d.try, d.next, d.freed = false, d.mono()+probeEvery, d.freed || freed
	if d.kind != kind {
		free, _ := room(d.dir()) // 0 then
		d.cfg.Log.Error(what+": nothing more is acknowledged, sending goes on", "free", free, "ballast_freed", freed, "err", err, "try", fix)
	}
	if d.kind == noTrouble {
		d.begun, d.refused = d.mono(), 0
	}
	d.set(kind, what+": "+fix)
	return freed
}

// succeeded notes a transaction that was committed. With entries in it, all is well; without, room may have been made.
func (d *disk) succeeded(entries bool) {
	switch {
	case d.kind == noTrouble:
	case entries:
		d.end()
	default:
		d.try = d.try || d.kind == atBound
	}
}

func (d *disk) end() {
	free, _ := room(d.dir()) // 0 then
	d.cfg.Log.Info("the disk takes what is sent again", "free", free, "refused_messages", d.refused, "for", (d.mono() - d.begun).Round(time.Second))
	d.try, d.freed = false, false
	d.set(noTrouble, "")
}

// refuses returns why entries are not even tried, nil if they are.
func (d *disk) refuses() error {
	if d.kind == noTrouble || d.try {
		return nil
	}
	return errors.New(d.why)
}

// attend looks now and then whether a disk in trouble has recovered.
func (q *Queue) attend(ctx context.Context) {
	d := &q.disk
	if d.kind == noTrouble || d.mono() < d.next {
		return
	}
	d.next = d.mono() + probeEvery
	switch {
	case d.kind == diskFull && d.freed:
		// The space of the ballast is for what makes room. Entries come when it is back, and more than that is free.
		q.w.shrink(ctx)
		if d.ballast.make() {
			d.end()
		}
	case d.kind == readOnly:
		if tryWrite(d.dir()) == nil {
			d.end()
		}
	default:
		d.try = true
	}
}

// shrink gives pages that are free inside the file back to the disk, some megabytes at a time. It may fail: the disk is full.
func (w *writer) shrink(ctx context.Context) {
	for _, pragma := range []string{"PRAGMA incremental_vacuum(1024)", "PRAGMA wal_checkpoint(PASSIVE)"} {
		rows, err := w.conn.QueryContext(ctx, pragma)
		if err != nil {
			return
		}
		for rows.Next() { // each step does a part of it
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return
		}
	}
}
