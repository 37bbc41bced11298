package mounts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/shirou/gopsutil/v3/disk"

	"piway/agent/collect/host"
)

// A Disk reads how full the file system at a path is. Where a disk is missing, the kernel answers for the file
// system that its mount point lies on; that figure is not told under the disk's name.
type Disk struct {
	Path  string // as it is configured
	known *Known
	ask   func(ctx context.Context, path string) (*disk.UsageStat, error) // statfs(2)
	says  atomic.Pointer[string]                                          // what check says of the last value, see Remark
}

// NewDisk returns the disk at path. What is mounted there is remembered in known.
func NewDisk(path string, known *Known) *Disk {
	return &Disk{Path: path, known: known, ask: disk.UsageWithContext}
}

// steady is how often a reading is begun anew because something was mounted or unmounted meanwhile.
const steady = 5

// Read returns the percentage that df computes: used of what a user who is not root can have.
func (d *Disk) Read(ctx context.Context) (float64, error) {
	value, err := d.figure(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading disk %s: %w", d.Path, err)
	}
	return value, nil
}

func (d *Disk) figure(ctx context.Context) (float64, error) {
	path, err := filepath.EvalSymlinks(d.Path)
	if err != nil {
		return 0, host.Unnamed(err)
	}
	if path == "/" { // always mounted, and what most machines read
		u, err := d.ask(ctx, path)
		if err != nil {
			return 0, err
		}
		return percentUsed(u)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeDevice != 0 {
		return 0, errors.New("this is a device: write the path at which it is mounted")
	}
	return d.steadily(ctx, path)
}

// steadily asks for the figure at path, in which are no symbolic links, until nothing was mounted or unmounted
// meanwhile: by the call itself, which makes an automount mount, or by somebody who takes the disk away.
func (d *Disk) steadily(ctx context.Context, path string) (float64, error) {
	for range steady {
		before := ownMounts(ctx)
		at, err := d.find(ctx, path, before)
		if err != nil {
			return 0, err
		}
		u, err := d.ask(ctx, path)
		switch {
		case errors.Is(err, syscall.EINTR): // by a signal of Go's own
		case err != nil:
			return 0, err
		case ownMounts(ctx) == before:
			return d.judge(at, path, u)
		}
	}
	return 0, errors.New("what is mounted changes all the time")
}

// find returns where path lies, and an error if that is not where its disk is.
func (d *Disk) find(ctx context.Context, path, mounts string) (place, error) {
	at, err := locate(ctx, d.Path, path, mounts)
	if err != nil {
		return at, err
	}
	want, why := planned(ctx, at.path)
	if point, file := d.plannedByName(ctx, path); len(point) > len(want) {
		want, why = point, file
	}
	if known := d.known.above(at.path); len(known) > len(want) {
		want, why = known, ""
	}
	switch {
	case len(want) > len(at.point):
		return at, notMounted(want, why, d.known.file)
	case deviceGone(ctx, at.own):
		return at, fmt.Errorf("%s is mounted still, but its device %s is gone", at.point, at.own.source)
	}
	return at, nil
}

// plannedByName is planned for a path that has symbolic links in it, as the files may have them too.
func (d *Disk) plannedByName(ctx context.Context, path string) (point, file string) {
	name := filepath.Clean(d.Path)
	if name == path {
		return "", ""
	}
	point, file = planned(ctx, name)
	point, err := filepath.EvalSymlinks(point)
	if err != nil || !within(path, point) {
		return "", ""
	}
	return point, file
}

// notMounted says where a file system is missing, and how that is known. A reason that is none is that it was seen.
func notMounted(point, why, file string) error {
	switch {
	case why != "":
		return fmt.Errorf("%s is not mounted; %s says that it should be", point, why)
	case file != "":
		return fmt.Errorf("%s is not mounted; it was before. If it is to be a folder from now on: remove its line from %s "+
			"and start the agent again", point, file)
	}
	return fmt.Errorf("%s is not mounted; it was before", point)
}

// judge returns the percentage of a file system that was found where it should be, and notes of what it is.
func (d *Disk) judge(at place, path string, u *disk.UsageStat) (float64, error) {
	if at.own.kind == "autofs" { // the call has not made it mount the disk
		return 0, fmt.Errorf("%s is not mounted, only its automount is", at.point)
	}
	value, err := percentUsed(u)
	if err != nil {
		return 0, err
	}
	if at.couldBeMissed() {
		d.known.add(at.point)
	}
	says := at.remark(d.Path, path)
	d.says.Store(&says)
	return value, nil
}

// Remark returns what is to be known of the value that was read last, "" if it is what it seems to be.
func (d *Disk) Remark() string {
	if says := d.says.Load(); says != nil {
		return *says
	}
	return ""
}

// percentUsed refuses what cannot be: file systems without a size, such as /proc, and with more free than there is.
func percentUsed(u *disk.UsageStat) (float64, error) {
	switch {
	case u.Used > u.Total || u.Free > u.Total: // unsigned: below 0
		return 0, errors.New("more is free than there is")
	case u.Used+u.Free == 0:
		return 0, errors.New("it has no size")
	}
	return 100 * float64(u.Used) / float64(u.Used+u.Free), nil
}
