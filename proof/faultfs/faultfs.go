// Package faultfs mounts file systems that misbehave when they are told to, for proofs with whole processes. Its one
// promise: after Cut only that is there which was synced, as after a power cut on the strictest of file systems.
//
// It needs root and /dev/fuse. Its folders are a RAM disk of their own, so "full" is real.
package faultfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Available returns nil if this process can mount these file systems, and otherwise why not.
func Available() error {
	if os.Geteuid() != 0 {
		return errors.New("mounting needs root")
	}
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// A Fault says which operations fail.
type Fault uint8

// The faults. Writes are also what makes a file longer or shorter. After a failed sync the kernel calls what was to be
// synced clean: it is shown to whoever reads, and no later sync writes it.
const (
	Writes Fault = 1 << iota
	Syncs
)

// A Disk is a mounted file system. Its methods are safe for concurrent use, but for Cut and Close.
type Disk struct {
	point string // where it is mounted
	live  string // what is seen there, on a RAM disk
	kept  string // the durable content of files, by their inodes' numbers
	srv   *fuse.Server

	mu      sync.Mutex        // guards what follows, and live against a sync in between
	entries map[string]uint64 // durable: path below live -> number of the inode, 0 for a folder
	dirty   map[uint64][]span // what is not yet durable of a file, since the last sync, also a failed one
	fault   Fault
	errno   syscall.Errno
	failed  int
}

type span struct{ from, to int64 }

// Open mounts an empty disk of so many bytes at the folder point, which it makes. It keeps what it needs in the folder
// dir.
func Open(dir, point string, size int64) (*Disk, error) {
	d := &Disk{point: point, live: filepath.Join(dir, "live"), kept: filepath.Join(dir, "kept")}
	for _, path := range []string{d.live, d.kept, d.point} {
		if err := os.MkdirAll(path, 0o750); err != nil {
			return nil, err
		}
	}
	// A RAM disk does not use the number of a deleted inode again.
	if err := syscall.Mount("tmpfs", d.live, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0750", size)); err != nil {
		return nil, fmt.Errorf("mounting a RAM disk at %s: %w", d.live, err)
	}
	if err := d.mount(); err != nil {
		return nil, errors.Join(err, syscall.Unmount(d.live, syscall.MNT_DETACH))
	}
	return d, nil
}

// mount takes all that lies in live as durable.
func (d *Disk) mount() error {
	d.entries, d.dirty = map[string]uint64{}, map[uint64][]span{}
	err := filepath.Walk(d.live, func(path string, info os.FileInfo, err error) error {
		if err != nil || path == d.live {
			return err
		}
		return d.keep(path, info)
	})
	if err != nil {
		return err
	}
	root, err := d.root()
	if err != nil {
		return err
	}
	d.srv, err = fs.Mount(d.point, root, &fs.Options{MountOptions: fuse.MountOptions{
		DirectMountStrict: true, FsName: "faultfs", ExplicitDataCacheControl: true,
		DisabledCapabilities: fuse.CAP_PASSTHROUGH,
	}})
	if err != nil {
		return fmt.Errorf("mounting at %s: %w", d.point, err)
	}
	return nil
}

// keep makes an entry and its content durable.
func (d *Disk) keep(path string, info os.FileInfo) error {
	name, err := filepath.Rel(d.live, path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		d.entries[name] = 0
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	d.entries[name] = number(info)
	return copyFile(d.image(number(info)), path)
}

func number(info os.FileInfo) uint64 { return info.Sys().(*syscall.Stat_t).Ino } //nolint:forcetypeassert // of a Unix

func (d *Disk) image(ino uint64) string { return filepath.Join(d.kept, fmt.Sprint(ino)) }

// Fail lets operations fail with an error, syscall.EIO or syscall.ENOSPC, until Fail(0, 0). It returns how many failed
// since the last call.
func (d *Disk) Fail(fault Fault, errno syscall.Errno) (failed int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	failed, d.failed = d.failed, 0
	d.fault, d.errno = fault, errno
	return failed
}

// Live is where the content can be changed behind the disk's back.
func (d *Disk) Live() string { return d.live }

// Cut unmounts the disk, drops all that is not durable, and mounts what is left. Nobody may use the disk meanwhile:
// kill first.
func (d *Disk) Cut() error {
	if err := d.srv.Unmount(); err != nil {
		return fmt.Errorf("unmounting %s: %w", d.point, err)
	}
	if err := d.drop(); err != nil {
		return fmt.Errorf("dropping what is not durable: %w", err)
	}
	return d.mount()
}

// drop makes live what is durable.
func (d *Disk) drop() error {
	all, err := os.ReadDir(d.live)
	if err != nil {
		return err
	}
	for _, e := range all {
		if err := os.RemoveAll(filepath.Join(d.live, e.Name())); err != nil {
			return err
		}
	}
	for name, ino := range d.entries {
		path, folder := filepath.Join(d.live, name), filepath.Dir(filepath.Join(d.live, name))
		if ino == 0 {
			folder = path
		}
		if err := os.MkdirAll(folder, 0o750); err != nil {
			return err
		}
		if ino == 0 {
			continue
		}
		if err := copyFile(path, d.image(ino)); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(d.kept); err != nil {
		return err
	}
	return os.Mkdir(d.kept, 0o750)
}

// Close unmounts the disk. What is on it is gone.
func (d *Disk) Close() error {
	err := d.srv.Unmount()
	if err != nil {
		err = syscall.Unmount(d.point, syscall.MNT_DETACH) // who still uses it gets errors
	}
	return errors.Join(err, syscall.Unmount(d.live, syscall.MNT_DETACH))
}

func copyFile(to, from string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // only read
	w, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}
