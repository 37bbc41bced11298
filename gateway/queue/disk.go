package queue

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"piway/gateway/queue/store"
)

// What to do about a disk, for the operator.
const (
	fixFull     = "delete something, or move data.dir to a larger disk; the gateway goes on by itself"
	fixReadOnly = "look at the kernel's log (dmesg), mount the disk writable, give data.dir to the gateway's user; the gateway goes on by itself"
	fixBound    = "a larger queue.max_bytes; see why the cloud takes too little"
	fixFailing  = "look at the kernel's log (dmesg); the disk or SD card may be worn out; the gateway goes on by itself"
	fixAstray   = "stop the gateway before its files are moved or restored; it goes on by itself with a copy of what it has open"
)

// probeEvery is how often a disk that takes nothing is looked at.
const probeEvery = time.Second

// A disk knows whether what is appended can be stored. While it cannot, entries are refused without a transaction each.
type disk struct {
	cfg     *Config
	mono    func() time.Duration
	ballast store.Ballast

	// Only the goroutine of Run uses these.
	next    time.Duration // when to look again
	try     bool          // the next entries may be tried
	freed   bool          // the ballast was given up
	begun   time.Duration
	refused int64 // messages
	// mend holds back every transaction, and with it every acknowledgement, until repair has worked: a write or a sync
	// failed, so what the kernel shows of the log is more than is on the disk.
	mend   bool
	copyAt time.Duration // when repair copies the store, or tries to again
	copied bool          // a copy was begun, and may lie where the next Open takes it for the store
	moved  bool          // it is complete: nothing may be committed any more

	mu   sync.Mutex // guards the fields below
	kind store.Trouble
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
func (d *disk) set(kind store.Trouble, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kind, d.why = kind, why
}

// troubles are the states of a disk in which nothing is stored.
var troubles = map[store.Trouble]struct{ what, fix string }{
	store.Full:     {"the disk is full", fixFull},
	store.AtBound:  {"the store may not grow further", fixBound},
	store.ReadOnly: {"the disk is read-only", fixReadOnly},
	store.Failing:  {"the disk fails to write", fixFailing},
	store.Astray:   {"the store's files were removed or replaced under the running gateway", fixAstray},
}

// failed notes a failed transaction. It reports whether the same work may succeed now: room was made for it.
func (d *disk) failed(kind store.Trouble, err error) (freed bool) {
	t, ok := troubles[kind]
	if !ok {
		return false
	}
	freed = kind == store.Full && d.ballast.Free()
	d.schedule(kind)
	d.mend = d.mend || store.Unsynced(err)
	d.try, d.freed = false, d.freed || freed
	if d.kind != kind {
		free, _ := store.Room(d.dir()) // 0 then
		d.cfg.Log.Error(t.what+": nothing more is acknowledged", "free", free, "ballast_freed", freed, "err", err, "try", t.fix)
	}
	d.set(kind, t.what+": "+t.fix)
	return freed && !d.mend
}

// schedule says when to look again, and when to copy.
func (d *disk) schedule(kind store.Trouble) {
	d.next = d.mono() + probeEvery
	switch {
	case kind == store.Astray:
		d.next, d.copyAt = 0, 0 // at once
	case d.kind != store.Failing && kind != d.kind:
		d.copyAt = d.mono() + copyAfter
	}
	if d.kind == store.None {
		d.begun, d.refused = d.mono(), 0
	}
}

// succeeded notes a transaction that was committed. With entries in it, all is well; without, room may have been made.
func (d *disk) succeeded(entries bool) {
	switch {
	case d.kind == store.None:
	case entries:
		d.end()
	default:
		d.try = d.try || d.kind == store.AtBound
	}
}

func (d *disk) end() {
	free, _ := store.Room(d.dir()) // 0 then
	d.cfg.Log.Info("the store takes reports again", "free", free, "refused_messages", d.refused, "for", (d.mono() - d.begun).Round(time.Second))
	d.try, d.freed = false, false
	d.set(store.None, "")
}

// refuses returns why entries are not even tried, nil if they are.
func (d *disk) refuses() error {
	if d.kind == store.None || d.try && !d.mend {
		return nil
	}
	return errors.New(d.why)
}

// attend looks now and then whether a disk in trouble has recovered.
func (q *Queue) attend(ctx context.Context) {
	d := &q.disk
	if d.kind == store.None || d.moved || d.mono() < d.next {
		return
	}
	d.next = d.mono() + probeEvery
	if !d.mend || q.repair(ctx) {
		q.recover(ctx)
	}
}

// recover looks whether entries can be taken again.
func (q *Queue) recover(ctx context.Context) {
	d := &q.disk
	switch {
	case d.kind == store.Full && d.freed:
		// The space of the ballast is for what makes room. Entries come when it is back, and more than that is free.
		q.w.shrink(ctx)
		if d.ballast.Make() {
			d.end()
		}
	case d.kind == store.Failing:
		if store.TryWrite(d.dir()) == nil && q.prove(ctx) {
			d.end()
		}
	case d.kind == store.ReadOnly:
		if store.TryWrite(d.dir()) == nil {
			d.end()
		}
	default:
		d.try = true
	}
}

// shrink gives pages that are free inside the file back to the disk, some megabytes at a time. It may fail: the disk
// is full.
func (w *writer) shrink(ctx context.Context) {
	rows, err := w.conn.QueryContext(ctx, "PRAGMA incremental_vacuum(1024)")
	if err != nil {
		return
	}
	for rows.Next() { // each step does a part of it
	}
	if errors.Join(rows.Err(), rows.Close()) == nil {
		_, _ = w.checkpoint(ctx, passive) // as above
	}
}
