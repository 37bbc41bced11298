package day_test

import (
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/shared/files/lying"
)

// block is what a disk writes at least, in bytes.
const block = 4096

// logHeader and frameHeader are what the log has before its frames, and before the page in each.
const logHeader, frameHeader = 32, 24

// A sum is what was written.
type sum struct {
	plain  int64 // bytes, as written
	blocks int64 // bytes, as a disk takes them
	syncs  int64
}

// A reason is why something was written: to the log, and into the store's file when the log is moved.
type reason struct{ log, moved, pages int64 }

// counts are what was written in some time.
type counts struct {
	files   map[string]*sum
	reasons map[string]*reason
	kinds   map[string]*sum // of commits, by the owners of their pages
	commits int64
}

func newCounts() counts {
	return counts{files: map[string]*sum{}, reasons: map[string]*reason{}, kinds: map[string]*sum{}}
}

// at is the value of a key, made if need be.
func at[V any](m map[string]*V, key string) *V {
	if m[key] == nil {
		m[key] = new(V)
	}
	return m[key]
}

// dirty is what of a file was written and not synced.
type dirty struct {
	blocks map[int64]bool
	starts map[int64]int64 // of the writes, with their ends
}

// A counter sees what is written to a disk.
type counter struct {
	t     testing.TB
	owns  *owners
	store string        // its path
	fsync time.Duration // that a sync takes

	mu     sync.Mutex // guards what follows
	counts counts
	dirty  map[string]*dirty
	index  index
	log    *os.File // to read what was written
}

func newCounter(t *testing.T, store string) *counter {
	t.Helper()
	c := &counter{
		t: t, owns: newOwners(t, store), store: store, fsync: setting(t, "PIWAY_DAY_FSYNC", fsync, time.ParseDuration),
		counts: newCounts(), dirty: map[string]*dirty{},
	}
	t.Cleanup(c.leaveLog)
	return c
}

// leaveLog closes the log, of which there may be another one.
func (c *counter) leaveLog() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.log != nil {
		_ = c.log.Close() // it was only read
	}
	c.log = nil
}

// restart returns what was counted, and begins anew.
func (c *counter) restart() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.counts
	c.counts = newCounts()
	return was
}

// see is for lying.Disk.Fail. A sync takes the time of a disk's.
func (c *counter) see(op lying.Op) error {
	switch op.Kind {
	case lying.Write:
		c.wrote(op.Path, op.Offset, op.Offset+op.Length)
	case lying.Sync:
		c.synced(op.Path)
		time.Sleep(c.fsync)
	case lying.SyncDir:
		time.Sleep(c.fsync)
	case lying.Remove:
		if op.Path == c.store+"-wal" {
			c.leaveLog()
		}
	}
	return nil
}

func (c *counter) wrote(path string, from, to int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.dirty[path]
	if d == nil {
		d = &dirty{blocks: map[int64]bool{}, starts: map[int64]int64{}}
		c.dirty[path] = d
	}
	for b := from / block; b*block < to; b++ {
		d.blocks[b] = true
	}
	d.starts[from] = max(d.starts[from], to)
	at(c.counts.files, c.name(path)).plain += to - from
}

func (c *counter) synced(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.dirty[path]
	if d == nil {
		d = &dirty{}
	}
	delete(c.dirty, path)
	s := at(c.counts.files, c.name(path))
	size := int64(len(d.blocks)) * block
	s.blocks += size
	s.syncs++
	switch path {
	case c.store + "-wal":
		if err := c.logged(d, size); err != nil {
			c.t.Errorf("reading the log: %v", err)
		}
	case c.store:
		c.moved(d, size)
	}
}

// name is what people call a file.
func (c *counter) name(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// moved books what was written into the store's file.
func (c *counter) moved(d *dirty, size int64) {
	for from, to := range d.starts {
		at(c.counts.reasons, c.owns.owner(int(from)/c.owns.page+1)).moved += to - from
		size -= to - from
	}
	at(c.counts.reasons, edges).moved += size
}

// indexFile says that nobody has counted it.
const indexFile = "queue.db-shm, reckoned"

// Reasons that are no pages.
const (
	headers = "log: headers of frames"
	begins  = "log: its own header"
	edges   = "log: half-filled blocks"
)

// logged books what was written to the log.
func (c *counter) logged(d *dirty, size int64) error {
	if to := min(d.starts[0], logHeader); to > 0 {
		at(c.counts.reasons, begins).log += to
		size -= to
	}
	owners, err := c.frames(d)
	if err != nil || len(owners) == 0 {
		at(c.counts.reasons, edges).log += size
		return err
	}
	for _, owner := range owners {
		r := at(c.counts.reasons, owner)
		r.log += int64(c.owns.page)
		r.pages++
	}
	plain := int64(len(owners)) * int64(c.owns.page+frameHeader)
	at(c.counts.reasons, headers).log += int64(len(owners)) * frameHeader
	at(c.counts.reasons, edges).log += size - plain
	c.counts.commits++
	slices.Sort(owners)
	kind := at(c.counts.kinds, strings.Join(slices.Compact(owners), " + "))
	kind.blocks += size
	kind.plain += plain
	kind.syncs++
	return nil
}

// frames reads the pages that were written to the log, and returns whose they are then.
func (c *counter) frames(d *dirty) (all []string, err error) {
	if c.log == nil {
		if c.log, err = os.Open(c.store + "-wal"); err != nil {
			return nil, err
		}
	}
	length := int64(c.owns.page + frameHeader)
	var starts []int64
	for from, to := range d.starts {
		for n := max(0, from-logHeader) / length; to > logHeader && logHeader+n*length < to; n++ {
			starts = append(starts, logHeader+n*length)
		}
	}
	slices.Sort(starts)
	written := map[int][]byte{}
	var pages []int
	var places []int64
	for _, from := range slices.Compact(starts) {
		b := make([]byte, length)
		if _, err := c.log.ReadAt(b, from); err != nil {
			return nil, err
		}
		page := int(binary.BigEndian.Uint32(b))
		written[page] = b[frameHeader:] // of two, the later one counts
		pages, places = append(pages, page), append(places, (from-logHeader)/length)
	}
	if len(written) == 0 {
		return nil, nil
	}
	c.owns.commit(written)
	if _, err := os.Stat(c.store + "-shm"); err == nil {
		at(c.counts.files, indexFile).blocks += c.index.commit(time.Now(), places, pages)
	}
	for _, page := range pages {
		all = append(all, c.owns.owner(page))
	}
	return all, nil
}

// text takes what goes to a file that nobody syncs.
func (c *counter) text(name string) *text { return &text{c, name} }

type text struct {
	c    *counter
	name string
}

func (w *text) Write(b []byte) (int, error) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	s := at(w.c.counts.files, w.name)
	s.plain += int64(len(b))
	s.blocks += int64(len(b))
	return len(b), nil
}
