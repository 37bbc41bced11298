package lying

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"syscall"
)

// An inode is the kernel's name of a file or folder.
type inode struct{ dev, ino uint64 }

func inodeOf(info fs.FileInfo) (inode, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return inode{}, false
	}
	return inode{uint64(st.Dev), st.Ino}, true //nolint:unconvert // int32 on some machines
}

// A node is a file or a folder.
type node struct {
	// f is what is visible. It stays open, so that nothing else gets the inode's number, and because to close any
	// descriptor of a file drops the locks that SQLite has on it.
	f *os.File
	// same says that all of it is durable, and not yet in memory.
	same    bool
	durable []byte
	dirty   ranges // written and not synced
	lost    ranges // clean, but not as in durable: a sync failed
	cut     int64  // the smallest size since the last sync, where it was truncated

	users int // handles that are open

	folder
}

// uncut says that a file was not truncated.
const uncut = math.MaxInt64

// newFolder opens the folder at path, of which no entry is known to be durable.
func newFolder(path string) (*node, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &node{f: f, folder: folder{now: map[string]*node{}, kept: map[string]*node{}}}, nil
}

func (n *node) isFolder() bool { return n.now != nil }

// newFile opens what lies at path, of which nothing is known to be durable.
func newFile(path string, size int64) (*node, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) {
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, err
	}
	return &node{f: f, dirty: ranges{}.add(0, size), cut: uncut}, nil
}

// settle makes all that is visible durable, for New.
func (n *node) settle() {
	if n.isFolder() {
		n.kept, n.pending = maps.Clone(n.now), nil
		return
	}
	n.same, n.dirty = true, nil
}

func (n *node) size() (int64, error) {
	info, err := n.f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// load reads what is durable, before the file changes for the first time.
func (n *node) load() error {
	if !n.same {
		return nil
	}
	size, err := n.size()
	if err != nil {
		return err
	}
	n.durable = make([]byte, size)
	if _, err := n.f.ReadAt(n.durable, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	n.same = false
	return nil
}

// wrote notes that the bytes from lo to hi were written.
func (n *node) wrote(lo, hi, block int64) {
	if lo >= hi {
		return
	}
	lo, hi = lo/block*block, (hi+block-1)/block*block
	n.dirty, n.lost = n.dirty.add(lo, hi), n.lost.remove(lo, hi)
}

// truncated notes the new size.
func (n *node) truncated(size int64) {
	n.cut = min(n.cut, size)
	n.dirty, n.lost = n.dirty.remove(size, math.MaxInt64), n.lost.remove(size, math.MaxInt64)
}

// synced makes what is dirty durable.
func (n *node) synced() (err error) {
	if n.same {
		return nil
	}
	if n.durable, err = n.writeBack(n.durable, true, func(int64) bool { return true }); err != nil {
		return err
	}
	n.dirty, n.cut = nil, uncut
	return nil
}

// failed forgets what is dirty, but for the pages that wrote picks; nil picks none.
func (n *node) failed(wrote func(int64) bool) (err error) {
	if n.same {
		return nil
	}
	lost := n.dirty
	if wrote != nil {
		var back ranges
		n.durable, err = n.writeBack(n.durable, false, func(at int64) bool {
			ok := wrote(at)
			if ok {
				back = back.add(at, at+page)
			}
			return ok
		})
		if err != nil {
			return err
		}
		for _, s := range back {
			lost = lost.remove(s.lo, s.hi)
		}
	}
	for _, s := range lost {
		n.lost = n.lost.add(s.lo, s.hi)
	}
	n.lost = n.lost.add(n.cut, int64(len(n.durable))) // what it was truncated by is durable still
	n.dirty, n.cut = nil, uncut
	return nil
}

// writeBack returns durable with the dirty pages that pick picks by their offset, and with what it was truncated by cut
// off and its size as it is now if meta is set. What was written behind a truncation becomes durable only with that.
func (n *node) writeBack(durable []byte, meta bool, pick func(int64) bool) ([]byte, error) {
	size, err := n.size()
	if err != nil {
		return durable, err
	}
	end := size
	if meta {
		durable = resized(durable, min(n.cut, int64(len(durable))))
		durable = resized(durable, size)
	} else {
		end = min(size, n.cut)
	}
	last, picked := int64(-1), false
	err = n.dirty.pages(end, func(lo, hi int64) error {
		if at := lo / page * page; at != last {
			last, picked = at, pick(at)
		}
		if !picked {
			return nil
		}
		durable = resized(durable, max(hi, int64(len(durable))))
		_, err := n.f.ReadAt(durable[lo:hi], lo)
		return err
	})
	return durable, err
}

// resized returns b with a new length; what is added is zero.
func resized(b []byte, size int64) []byte {
	if have := int64(len(b)); size > have {
		return append(b, make([]byte, size-have)...)
	}
	return b[:size]
}

// evict makes the file look as a cache would that has read its clean pages anew.
func (n *node) evict() error {
	size, err := n.size()
	if err != nil {
		return err
	}
	for _, s := range n.lost {
		text := make([]byte, max(min(s.hi, size)-s.lo, 0))
		if s.lo < int64(len(n.durable)) {
			copy(text, n.durable[s.lo:])
		}
		if _, err := n.f.WriteAt(text, s.lo); err != nil {
			return err
		}
	}
	n.lost = nil
	return nil
}
