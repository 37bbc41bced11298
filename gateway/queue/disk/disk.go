// Package disk keeps the queue honest while the disk below its store is in trouble.
//
// Its promise: what may not be on the disk is not acknowledged; each trouble is logged once when it begins and once
// when it ends; and once the disk works the queue goes on by itself.
//
//   - full, or over a quota (a commit fails): reports are refused without a transaction each, and not acknowledged;
//     the ballast (8 MiB in the data folder) is deleted so that SQLite can write what settles and deletes; each second
//     the store gives free pages back, and reports are taken again once there is room for the ballast and as much
//     again.
//   - read-only, not writable (a commit fails): the same without the ballast.
//   - a write or a sync fails (a commit or a checkpoint fails): nothing is acknowledged, and nothing written, until
//     the log is emptied on the open connections; after 10 s of that the store is copied into a new file.
//   - the store's files are removed, replaced or cut off (device, inode and size, five times a second): nothing is
//     acknowledged; what the open connections see is copied into a new file, which takes the store's place.
//
// After a write or a sync that failed the kernel takes the pages for written, shows them, and forgets them some day. So
// the store must not be closed and opened again: recovery would believe what is shown, answer redeliveries as
// duplicates, and put new commits behind a hole. The open connections know better: their index of the log ends at the
// last commit whose sync succeeded, and what is behind it is overwritten by the next. `wal_checkpoint(TRUNCATE)` on
// them reads no more than that, writes it to the store's file, syncs it and empties the log; a power cut in the middle
// changes nothing. Where it goes on failing, `VACUUM INTO` copies what they see into a new file, which is synced and
// renamed, and takes the store's place when the stages are opened anew. If the process is killed instead, the next
// store.Open writes the log that it finds back in place, byte for byte, and syncs it before SQLite sees it: then what
// recovery believes is on the disk.
package disk

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"piway/gateway/queue/store"
	"piway/gateway/queue/wal"
)

// ProbeEvery is how often a disk that takes nothing is looked at.
const ProbeEvery = time.Second

// Config says which store is looked after. All must be set.
type Config struct {
	Store   store.Options
	Ballast store.Ballast
	// Mono is the monotonic clock.
	Mono func() time.Duration
	// Prove commits something, and reports whether it could.
	Prove func(context.Context) bool
	// End ends the use of the store, so that it is opened anew, with what is ready to take its place.
	End func(error)
	// Beat is called now and then while one thing takes long.
	Beat func()
	Log  *slog.Logger
}

// A Disk knows whether what is appended can be stored. The goroutine that writes to the store uses it, but for Trouble.
type Disk struct {
	cfg   Config
	conn  *store.Conn // which writes
	log   *wal.Log
	place place

	next    time.Duration // when to look again
	try     bool          // the next entries may be tried
	freed   bool          // the ballast was given up
	begun   time.Duration
	refused int64 // messages
	// mend holds back every transaction, and with it every acknowledgement, until it has worked: a write or a sync
	// failed, so what the kernel shows of the log is more than is on the disk.
	mend   bool
	copyAt time.Duration // when the store is copied, or that is tried again
	copied bool          // a copy was begun, and may lie where the next Open takes it for the store
	moved  bool          // it is complete: nothing may be committed any more

	mu   sync.Mutex // guards the fields below; the writing goroutine reads them without
	kind store.Trouble
	why  string
}

// New looks after a store whose connections are all open, by the one that writes, and its log.
func New(cfg *Config, conn *store.Conn, log *wal.Log) *Disk {
	d := &Disk{cfg: *cfg, conn: conn, log: log}
	d.cfg.Ballast.Make()
	d.place.remember(cfg.Store.Path)
	return d
}

func (d *Disk) dir() string { return filepath.Dir(d.cfg.Store.Path) }

// Trouble says why nothing is stored, "" if all is well. It is safe to call at any time.
func (d *Disk) Trouble() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.why
}

func (d *Disk) set(kind store.Trouble, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kind, d.why = kind, why
}

// Failed notes a failed transaction or checkpoint. freed reports whether the same work may succeed now: room was made
// for it. ours is false where the error says nothing of the disk that is dealt with here.
func (d *Disk) Failed(err error) (freed, ours bool) {
	kind := store.TroubleOf(err, d.dir())
	t, ok := troubles[kind]
	if !ok {
		return false, false
	}
	freed = kind == store.Full && d.cfg.Ballast.Free()
	d.schedule(kind)
	d.mend = d.mend || store.Unsynced(err)
	d.try, d.freed = false, d.freed || freed
	if d.kind != kind {
		free, _ := store.Room(d.dir()) // 0 then
		d.cfg.Log.Error(t.what+": nothing more is acknowledged",
			"free", free, "ballast_freed", freed, "err", err, "try", t.fix)
	}
	d.set(kind, t.what+": "+t.fix)
	return freed && !d.mend, true
}

// schedule says when to look again, and when to copy.
func (d *Disk) schedule(kind store.Trouble) {
	d.next = d.cfg.Mono() + ProbeEvery
	switch {
	case kind == store.Astray:
		d.next, d.copyAt = 0, 0 // at once
	case d.kind != store.Failing && kind != d.kind:
		d.copyAt = d.cfg.Mono() + copyAfter
	}
	if d.kind == store.None {
		d.begun, d.refused = d.cfg.Mono(), 0
	}
}

// Succeeded notes a transaction that was committed. With entries in it, all is well; without, room may have been made.
func (d *Disk) Succeeded(entries bool) {
	switch {
	case d.kind == store.None:
	case entries:
		d.end()
	default:
		d.try = d.try || d.kind == store.AtBound
	}
}

func (d *Disk) end() {
	free, _ := store.Room(d.dir()) // 0 then
	d.cfg.Log.Info("the store takes reports again", "free", free, "refused_messages", d.refused,
		"for", (d.cfg.Mono() - d.begun).Round(time.Second))
	d.try, d.freed = false, false
	d.set(store.None, "")
}

// Refuses returns why entries are not even tried, nil if they are.
func (d *Disk) Refuses() error {
	if d.kind == store.None || d.try && !d.mend {
		return nil
	}
	return errors.New(d.why)
}

// Refused counts a message that was not tried.
func (d *Disk) Refused() { d.refused++ }

// Mending reports whether nothing at all may be written, since a write or a sync failed.
func (d *Disk) Mending() bool { return d.mend }

// Attend looks now and then whether a disk in trouble has recovered.
func (d *Disk) Attend(ctx context.Context) {
	if d.kind == store.None || d.moved || d.cfg.Mono() < d.next {
		return
	}
	d.next = d.cfg.Mono() + ProbeEvery
	if !d.mend || d.mended(ctx) {
		d.recover(ctx)
	}
}

// recover looks whether entries can be taken again.
func (d *Disk) recover(ctx context.Context) {
	switch {
	case d.kind == store.Full && d.freed:
		// The space of the ballast is for what makes room. Entries come when it is back, and more than that is free.
		d.shrink(ctx)
		if d.cfg.Ballast.Make() {
			d.end()
		}
	case d.kind == store.Failing:
		if store.TryWrite(d.dir()) == nil && d.cfg.Prove(ctx) {
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
func (d *Disk) shrink(ctx context.Context) {
	rows, err := d.conn.Raw().QueryContext(ctx, "PRAGMA incremental_vacuum(1024)")
	if store.Each(rows, err, func() error { return nil }) == nil { // each step does a part of it
		_ = d.log.Move(ctx) // as above
	}
}

// Look looks after the store's files when no commit does: store.ErrAstray if they are not those that are open.
func (d *Disk) Look(ctx context.Context) error {
	if d.mend {
		return nil
	}
	log, checkpoints, _ := d.log.Look(ctx) // of an error others tell
	return d.place.look(d.cfg.Store.Path, checkpoints, log)
}

// Leave copies what is open at the end, where its files are not those that the next start finds.
func (d *Disk) Leave(ctx context.Context) {
	if err := d.Look(ctx); err != nil {
		d.Failed(err)
	}
	if d.kind == store.Astray && !d.moved {
		d.copyAt = 0
		d.moveOut(ctx)
	}
}
