package faultfs

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// A Dial is a file system that gets fuller with the time, by a clock that no program can pretend: who reads how full
// it is has with its reading when it was taken, to half a second, since an agent rounds to 0.01 percent. It is full
// after 83 minutes.
type Dial struct {
	fs.Inode
	begun time.Time
	srv   *fuse.Server
}

const dialBlocks = 5_000_000 // one is filled each millisecond

// OpenDial mounts a dial at a folder, which it makes.
func OpenDial(point string) (*Dial, error) {
	if err := os.MkdirAll(point, 0o750); err != nil {
		return nil, err
	}
	d := &Dial{begun: time.Now()}
	srv, err := fs.Mount(point, d, &fs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: "dial"}})
	if err != nil {
		return nil, fmt.Errorf("mounting at %s: %w", point, err)
	}
	d.srv = srv
	return d, nil
}

// Statfs tells the time.
func (d *Dial) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	free := uint64(max(0, dialBlocks-time.Since(d.begun).Milliseconds()))
	out.Bsize, out.Frsize, out.NameLen = 4096, 4096, 255
	out.Blocks, out.Bfree, out.Bavail = dialBlocks, free, free
	return 0
}

// Time is when the file system was so full, in percent.
func (d *Dial) Time(percent float64) time.Time {
	return d.begun.Add(time.Duration(percent / 100 * dialBlocks * float64(time.Millisecond)))
}

// Close unmounts it.
func (d *Dial) Close() error { return d.srv.Unmount() }
