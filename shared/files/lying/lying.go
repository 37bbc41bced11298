// Package lying is a disk for tests that does what real disks do to those who trust them: it forgets what was not
// synced, fails a sync and then pretends that all is well, writes a part, is full, is slow.
//
// Its one promise: what Cut leaves is what a power cut at that moment could leave, and nothing that was synced with
// success is missing from it.
//
// A Disk lies over a real folder, which plays the page cache: programs see what is there. Beside it the Disk keeps
// what is durable: of each file its bytes, of each folder its entries. Files that are changed past the Disk are
// noticed when their names are looked at, and count as not synced; bytes that are written past it into a file it knows
// are not noticed.
package lying

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Kinds of operations.
const (
	Open     = "open"
	Read     = "read"
	Write    = "write"
	Truncate = "truncate"
	Sync     = "sync"
	Rename   = "rename"
	Remove   = "remove"
	Mkdir    = "mkdir"
	SyncDir  = "syncdir"
)

// An Op is something asked of the disk.
type Op struct {
	// Kind is "open", "read", "write", "truncate", "sync", "rename", "remove", "mkdir" or "syncdir".
	Kind string
	// Path is what it is done to, as it was given; To the new name in a rename.
	Path, To string
	// Offset and Length are those of a read or write, in bytes; Offset is the new size in a truncate.
	Offset, Length int64
}

// Short fails a write after its first N bytes were written.
type Short struct {
	N   int64
	Err error
}

func (s *Short) Error() string { return fmt.Sprintf("%v, after %d bytes", s.Err, s.N) }

// Unwrap returns Err.
func (s *Short) Unwrap() error { return s.Err }

// Partly fails the sync of a file after some of its pages became durable: those for whose offset Wrote returns true.
type Partly struct {
	Wrote func(offset int64) bool
	Err   error
}

func (p *Partly) Error() string { return fmt.Sprintf("%v, for a part", p.Err) }

// Unwrap returns Err.
func (p *Partly) Unwrap() error { return p.Err }

// Again fails the sync of a folder and forgets nothing: a later one may succeed, as where the folder could not be
// opened.
type Again struct{ Err error }

func (a *Again) Error() string { return a.Err.Error() }

// Unwrap returns Err.
func (a *Again) Unwrap() error { return a.Err }

// ErrKilled is the error of every operation between Kill and Start, and of files that were open at the Kill for ever.
var ErrKilled = errors.New("the program was killed")

// page is what the kernel writes back at a time, in bytes.
const page = 4096

// A Disk is a real folder, which is what its users see, and a model of what of it would outlive a power cut.
// It is a files.FS for names below the folder. Its methods are safe for concurrent use.
type Disk struct {
	// Block is what dirty ranges are rounded to, in bytes; to be set before the first use. 1, which New sets, is the
	// strictest: what a failed sync lost stays lost until these bytes are written again. With 4096 it becomes durable
	// with the next sync after a write to the same page, as it does on Linux.
	Block int64

	dir, real string // as given and without symbolic links

	mu     sync.Mutex // guards all below
	decide func(Op) error
	root   *node
	nodes  map[inode]*node
	dead   bool
	life   int // how often it was killed
}

// New returns a disk over the folder dir. All that is below it now counts as durable. It panics if that cannot be read.
// Close gives back a file descriptor for each file.
func New(dir string) *Disk {
	path, err := filepath.EvalSymlinks(dir)
	if err != nil {
		panic(err)
	}
	d := &Disk{Block: 1, dir: filepath.Clean(dir), real: path, nodes: map[inode]*node{}}
	if d.root, err = d.at(path); err != nil {
		panic(err)
	}
	if err := d.scanAll(d.root, path); err != nil {
		panic(err)
	}
	for _, n := range d.nodes {
		n.settle()
	}
	return d
}

// Fail lets decide see each operation before it is done: an error makes it fail, and a decide that blocks makes it
// slow. A failed write writes nothing, or a part, see Short. A failed sync, of a file or of a folder, makes nothing
// durable and forgets what was to become it, as Linux does; see also Partly and Again. All others have no effect. nil
// lets all succeed.
func (d *Disk) Fail(decide func(Op) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.decide = decide
}

// Kill is SIGKILL for the programs that use the disk: what they wrote stays visible and becomes no more durable. All
// they still try fails, until Start for what is opened after it.
func (d *Disk) Kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	d.life++
}

// Start ends what Kill began. The programs that were killed must have ended.
func (d *Disk) Start() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = false
}

// Close gives back what the disk holds open. It cannot be used after that.
func (d *Disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	d.life++
	var all error
	for key, n := range d.nodes {
		all = errors.Join(all, n.f.Close())
		delete(d.nodes, key)
	}
	return all
}

// do asks whether op fails and calls f with that error, alone with the disk.
func (d *Disk) do(op Op, f func(fail error) error) error {
	d.mu.Lock()
	decide, life := d.decide, d.life
	d.mu.Unlock()
	var fail error
	if decide != nil {
		fail = decide(op)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	err := ErrKilled
	if !d.dead && d.life == life {
		err = f(fail)
	}
	if err == nil {
		return nil
	}
	var known *fs.PathError
	if errors.As(err, &known) || errors.As(err, new(*os.LinkError)) {
		return err
	}
	return &fs.PathError{Op: op.Kind, Path: op.Path, Err: err}
}

// parts returns the names that lead from the disk's folder to path.
func (d *Disk) parts(path string) ([]string, error) {
	for _, dir := range []string{d.dir, d.real} {
		rel, err := filepath.Rel(dir, path)
		switch {
		case err != nil, rel == "..", strings.HasPrefix(rel, "../"):
		case rel == ".":
			return nil, nil
		default:
			return strings.Split(rel, "/"), nil
		}
	}
	return nil, fmt.Errorf("it is not below %s", d.dir)
}
