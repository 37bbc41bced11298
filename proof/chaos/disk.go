package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"piway/proof/faultfs"
	"piway/proof/world"
)

// A disk is a small file system for the gateway's data: one that fails and forgets when told to, or, without
// /dev/fuse, one that can be full, or, for who is not root, just a folder.
type disk struct {
	real    string        // where it can be filled, "" where it cannot
	faults  *faultfs.Disk // nil where there is none
	mounted string        // to be unmounted without faults
	why     string        // there are no faults
}

// diskBytes leaves room for what some minutes bring.
const diskBytes = 192 << 20

// openDisk makes the folder dir. What else it needs is beside it.
func openDisk(dir string) (*disk, error) {
	why := faultfs.Available()
	if why == nil {
		f, err := faultfs.Open(dir+".disk", dir, diskBytes)
		if err == nil {
			return &disk{real: f.Live(), faults: f}, nil
		}
		why = err
	}
	d := &disk{why: why.Error()}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	if syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0750", diskBytes)) == nil {
		d.real, d.mounted = dir, dir
	}
	return d, nil
}

func (d *disk) filler() string { return filepath.Join(d.real, "filler") }

// fill leaves no byte free; free makes room again.
func (d *disk) fill() {
	f, err := os.Create(d.filler())
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }() // it fails, that is the point
	for chunk := make([]byte, 64<<10); len(chunk) > 0; {
		if _, err := f.Write(chunk); err != nil {
			chunk = chunk[:len(chunk)/2]
		}
	}
}

func (d *disk) free() {
	if d.real != "" {
		_ = os.Remove(d.filler()) // it may not be there
	}
}

// heal ends all faults.
func (d *disk) heal() {
	d.free()
	if d.faults != nil {
		d.faults.Fail(0, 0)
	}
}

func (d *disk) close() {
	switch {
	case d == nil:
	case d.faults != nil:
		_ = d.faults.Close() // gone with this process otherwise
	case d.mounted != "":
		_ = syscall.Unmount(d.mounted, syscall.MNT_DETACH) // gone with this process's folder otherwise
	}
}

// errors lets writes, syncs or both fail for half a second.
func (d *disk) errors(ctx context.Context, t *track) error {
	d.faults.Fail([]faultfs.Fault{faultfs.Writes, faultfs.Syncs, faultfs.Writes | faultfs.Syncs}[t.rng.IntN(3)],
		syscall.EIO)
	world.Wait(ctx, 500*time.Millisecond)
	t.log(fmt.Sprint(d.faults.Fail(0, 0), " operations failed"))
	return nil
}
