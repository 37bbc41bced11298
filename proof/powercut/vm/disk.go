package vm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
)

// sectorBytes are written as a whole or not at all.
const sectorBytes = 512

// errWrite is what a write to a failing block gets: EIO.
var errWrite = errors.New("write error")

// A Span is a part of the disk, in bytes from its beginning.
type Span struct{ From, To int64 }

func (s Span) touches(from, to int64) bool { return from < s.To && s.From < to }

// Without returns the spans but for what is in the holes.
func Without(spans, holes []Span) []Span {
	for _, h := range holes {
		var left []Span
		for _, s := range spans {
			for _, part := range []Span{{s.From, min(s.To, h.From)}, {max(s.From, h.To), s.To}} {
				if part.From < part.To {
					left = append(left, part)
				}
			}
		}
		spans = left
	}
	return spans
}

// A disk is what the machine takes for its disk. It has a volatile cache: what was written and not flushed is in the
// cache alone, and of that a power cut leaves some sectors and not others. Blocks can be made to fail. Its methods are
// safe for concurrent use.
type disk struct {
	file *os.File // what has reached the medium
	size int64

	mu      sync.Mutex // guards what follows
	cache   map[int64][]byte
	failing []Span
	failed  int // writes, since fail
}

// openDisk takes an image; close leaves it as the last flush or cut did.
func openDisk(path string) (*disk, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size()%sectorBytes != 0 {
		err = fmt.Errorf("%s: %d bytes are no whole sectors", path, info.Size())
	}
	if err != nil {
		_ = f.Close() // the first error is the one to tell
		return nil, err
	}
	return &disk{file: f, size: info.Size(), cache: map[int64][]byte{}}, nil
}

func (d *disk) close() { _ = d.file.Close() } // what was flushed is in it

// within checks what a client asks for.
func (d *disk) within(at int64, length int) error {
	if at < 0 || at%sectorBytes != 0 || length%sectorBytes != 0 || at+int64(length) > d.size {
		return fmt.Errorf("%d bytes at %d are not sectors of this disk", length, at)
	}
	return nil
}

// ReadAt gives what was written last, flushed or not.
func (d *disk) ReadAt(p []byte, at int64) (int, error) {
	if err := d.within(at, len(p)); err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.file.ReadAt(p, at)
	if err != nil {
		return n, err
	}
	for i := 0; i < len(p); i += sectorBytes {
		if s, ok := d.cache[at+int64(i)]; ok {
			copy(p[i:], s)
		}
	}
	return n, nil
}

// WriteAt takes all of p into the cache, or nothing of it and returns errWrite.
func (d *disk) WriteAt(p []byte, at int64) (int, error) {
	if err := d.within(at, len(p)); err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.failing {
		if s.touches(at, at+int64(len(p))) {
			d.failed++
			return 0, errWrite
		}
	}
	for i := 0; i < len(p); i += sectorBytes {
		d.cache[at+int64(i)] = slices.Clone(p[i : i+sectorBytes])
	}
	return len(p), nil
}

// flush brings the cache to the medium.
func (d *disk) flush() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for at, s := range d.cache {
		if _, err := d.file.WriteAt(s, at); err != nil {
			return err
		}
		delete(d.cache, at)
	}
	return nil
}

// fail lets writes to the spans fail until heal.
func (d *disk) fail(spans []Span) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing, d.failed = spans, 0
}

// failures is how many writes failed since fail.
func (d *disk) failures() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// heal ends that and returns how many writes failed.
func (d *disk) heal() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = nil
	return d.failed
}

// cut is what becomes of the cache without power: each sector has reached the medium or has not, as chance will have
// it. It returns how many were lost.
func (d *disk) cut(chance *rand.Rand) (lost int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sectors := make([]int64, 0, len(d.cache))
	for at := range d.cache {
		sectors = append(sectors, at)
	}
	slices.Sort(sectors)
	for _, at := range sectors {
		if chance.IntN(2) == 0 {
			lost++
		} else if _, err := d.file.WriteAt(d.cache[at], at); err != nil {
			return lost, err
		}
	}
	clear(d.cache)
	return lost, nil
}
