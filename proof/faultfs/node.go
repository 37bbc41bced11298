package faultfs

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A node is a file or folder that is shown.
type node struct {
	fusefs.LoopbackNode
	disk *Disk
}

// A handle is an open file.
type handle struct {
	*fusefs.LoopbackFile
	node *node
}

func (d *Disk) root() (*node, error) {
	r := &fusefs.LoopbackRoot{Path: d.live}
	info, err := os.Stat(d.live)
	if err != nil {
		return nil, err
	}
	r.Dev = info.Sys().(*syscall.Stat_t).Dev                                                              //nolint:forcetypeassert // of a Unix
	r.NewNode = func(*fusefs.LoopbackRoot, *fusefs.Inode, string, *syscall.Stat_t) fusefs.InodeEmbedder { //nolint:staticcheck // its follower wraps less
		return &node{fusefs.LoopbackNode{RootData: r}, d}
	}
	root := &node{fusefs.LoopbackNode{RootData: r}, d}
	r.RootNode = root
	return root, nil
}

func (n *node) name() string { return n.Path(n.Root()) }

// memory reports whether a file is only shared memory: SQLite's -shm, which no sync is for, and which may not fail
// either, since a page of it that cannot be read ends the process.
func (n *node) memory() bool { return strings.HasSuffix(n.name(), "-shm") }

// readable is needed of all files, to copy what is synced.
func readable(flags uint32) uint32 {
	if flags&syscall.O_ACCMODE == syscall.O_WRONLY {
		return flags&^syscall.O_ACCMODE | syscall.O_RDWR
	}
	return flags
}

// Open gets no O_TRUNC: the kernel asks Setattr for that.
func (n *node) Open(ctx context.Context, flags uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	f, _, errno := n.LoopbackNode.Open(ctx, readable(flags))
	return n.wrap(f), fuse.FOPEN_KEEP_CACHE, errno
}

func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fusefs.Inode,
	fusefs.FileHandle, uint32, syscall.Errno,
) {
	if errno := n.disk.failing(Writes); errno != 0 {
		return nil, nil, 0, errno
	}
	inode, f, _, errno := n.LoopbackNode.Create(ctx, name, readable(flags), mode, out)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	child, _ := inode.Operations().(*node) // NewNode makes no other
	return inode, child.wrap(f), fuse.FOPEN_KEEP_CACHE, 0
}

func (n *node) wrap(f fusefs.FileHandle) fusefs.FileHandle {
	if lf, ok := f.(*fusefs.LoopbackFile); ok {
		return &handle{lf, n}
	}
	return f
}

// Setattr is also what makes a file shorter.
func (n *node) Setattr(ctx context.Context, f fusefs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	do := func() syscall.Errno { return n.LoopbackNode.Setattr(ctx, f, in, out) }
	if size, ok := in.GetSize(); ok {
		// What grows behind there again is not what was there.
		return n.change(span{int64(size), 1 << 62}, do) //nolint:gosec // a size
	}
	return do()
}

// change does what changes a file, unless that is to fail.
func (n *node) change(s span, do func() syscall.Errno) syscall.Errno {
	if n.memory() {
		return do()
	}
	if errno := n.disk.failing(Writes); errno != 0 {
		return errno
	}
	d, ino := n.disk, n.StableAttr().Ino
	d.mu.Lock()
	defer d.mu.Unlock()
	spans := d.dirty[ino]
	if last := len(spans) - 1; last >= 0 && spans[last].to == s.from {
		spans[last].to = s.to // most files are written from begin to end
	} else {
		d.dirty[ino] = append(spans, s)
	}
	return do()
}

func (h *handle) Write(ctx context.Context, data []byte, off int64) (n uint32, errno syscall.Errno) {
	errno = h.node.change(span{off, off + int64(len(data))}, func() (errno syscall.Errno) {
		n, errno = h.LoopbackFile.Write(ctx, data, off)
		return errno
	})
	return n, errno
}

// Writev writes one part; the kernel asks again for the rest.
func (h *handle) Writev(ctx context.Context, data [][]byte, off int64) (total uint32, errno syscall.Errno) {
	for _, part := range data {
		n, errno := h.Write(ctx, part, off+int64(total))
		total += n
		if errno != 0 || int(n) < len(part) {
			return total, errno
		}
	}
	return total, 0
}

func (h *handle) Allocate(ctx context.Context, off, size uint64, mode uint32) syscall.Errno {
	return h.node.change(span{int64(off), int64(off + size)}, func() syscall.Errno { //nolint:gosec // sizes
		return h.LoopbackFile.Allocate(ctx, off, size, mode)
	})
}

// Fsync makes what was written since the last one durable, or forgets that it should be.
func (h *handle) Fsync(context.Context, uint32) syscall.Errno {
	d, ino := h.node.disk, h.node.StableAttr().Ino
	errno := d.failing(Syncs)
	d.mu.Lock()
	defer d.mu.Unlock()
	spans := d.dirty[ino]
	delete(d.dirty, ino)
	if errno != 0 {
		return errno
	}
	fd, ok := h.PassthroughFd()
	if !ok {
		return syscall.EBADF
	}
	return fusefs.ToErrno(d.persist(ino, fd, spans))
}

// persist copies parts of a live file to its durable image. d.mu is held.
func (d *Disk) persist(ino uint64, fd int, spans []span) error {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return err
	}
	f, err := os.OpenFile(d.image(ino), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // no power cut comes here
	for _, s := range spans {
		buf := make([]byte, max(0, min(s.to, st.Size)-s.from))
		n, err := syscall.Pread(fd, buf, s.from)
		if err != nil {
			return err
		}
		if _, err := f.WriteAt(buf[:n], s.from); err != nil {
			return err
		}
	}
	return f.Truncate(st.Size)
}

// A folder is an open folder.
type folder struct {
	fusefs.FileReaddirenter
	fusefs.FileSeekdirer
	fusefs.FileReleasedirer
	node *node
}

func (n *node) OpendirHandle(ctx context.Context, flags uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	f, fuseFlags, errno := n.LoopbackNode.OpendirHandle(ctx, flags)
	if errno != 0 {
		return nil, 0, errno
	}
	read, _ := f.(fusefs.FileReaddirenter)
	seek, _ := f.(fusefs.FileSeekdirer)
	release, _ := f.(fusefs.FileReleasedirer) // the library's is all three
	return &folder{read, seek, release, n}, fuseFlags, 0
}

// Fsyncdir makes the folder's entries durable.
func (f *folder) Fsyncdir(context.Context, uint32) syscall.Errno {
	if errno := f.node.disk.failing(Syncs); errno != 0 {
		return errno
	}
	return fusefs.ToErrno(f.node.disk.persistFolder(f.node.name()))
}

func (d *Disk) persistFolder(folder string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	all, err := os.ReadDir(filepath.Join(d.live, folder))
	if err != nil {
		return err
	}
	for name := range d.entries {
		if dir := filepath.Dir(name); dir == folder || dir == "." && folder == "" {
			delete(d.entries, name)
		}
	}
	for _, e := range all {
		if err := d.persistEntry(filepath.Join(folder, e.Name()), e); err != nil {
			return err
		}
	}
	return nil
}

// persistEntry notes an entry. A file that was never synced is there then, and empty. d.mu is held.
func (d *Disk) persistEntry(name string, e fs.DirEntry) error {
	info, err := e.Info()
	if err != nil {
		return err
	}
	if info.IsDir() {
		d.entries[name] = 0
	}
	if !info.Mode().IsRegular() { // nobody listens on a socket after a power cut
		return nil
	}
	d.entries[name] = number(info)
	f, err := os.OpenFile(d.image(number(info)), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Unlink and Rename fail while writes do.
func (n *node) Unlink(ctx context.Context, name string) syscall.Errno {
	if errno := n.disk.failing(Writes); errno != 0 {
		return errno
	}
	return n.LoopbackNode.Unlink(ctx, name)
}

// Rename moves an entry, or replaces one.
func (n *node) Rename(ctx context.Context, name string, parent fusefs.InodeEmbedder, to string,
	flags uint32,
) syscall.Errno {
	if errno := n.disk.failing(Writes); errno != 0 {
		return errno
	}
	return n.LoopbackNode.Rename(ctx, name, parent, to, flags)
}

// failing returns the error of an operation, 0 if it works.
func (d *Disk) failing(f Fault) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fault&f == 0 {
		return 0
	}
	d.failed++
	return d.errno
}
