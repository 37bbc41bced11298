package mounts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/shirou/gopsutil/v3/common"
	"golang.org/x/sys/unix"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

const (
	// maxVolumes is how many file systems are told of.
	maxVolumes = 8
	// maxPoints is how many mount points of one are tried.
	maxPoints = 4
	// maxAsked is how many may be asked for at once, those that hang included: each has a thread of its own.
	maxAsked = 2 * maxVolumes
	// patience is how long one file system may take.
	patience = 2 * time.Second
)

// Volumes read how full the machine's file systems are.
type Volumes struct {
	listed []string // what collect.disks has already
	statfs func(path string) (Space, error)
	asked  map[string]*reading.Attempt[filled] // by device
}

// filled is what asking for one file system gave.
type filled struct {
	point string
	space Space
	err   error
}

// Space is what statfs(2) and stat(2) tell of a mount point.
type Space struct {
	Device             string // major:minor
	IsDir              bool
	Used, Free         uint64 // blocks; those that are kept for root are neither
	Inodes, FreeInodes uint64 // 0 inodes: it has no fixed number of them
}

// NewVolumes returns all file systems but the usage of those that are listed. It asks the kernel if statfs is nil.
func NewVolumes(listed []string, statfs func(string) (Space, error)) *Volumes {
	if statfs == nil {
		statfs = statSpace
	}
	return &Volumes{listed: listed, statfs: statfs, asked: map[string]*reading.Attempt[filled]{}}
}

// Read tells each real file system's usage, and how many of its inodes are in use. One that hangs costs the others
// nothing, because each is asked in a goroutine of its own.
func (m *Volumes) Read(ctx context.Context, out *reading.Found) error {
	root := host.Folder(ctx, common.HostRootEnvKey, "")
	table := "self/mountinfo"
	if root != "" { // the host's, seen from a container
		table = "1/mountinfo"
	}
	text, err := host.ReadText(host.Proc(ctx, table))
	if err != nil {
		return err
	}
	places := parseMounts(text, isReal).withoutFolders()
	all := reading.AtMost(out, volumesOf(places, m.listed), maxVolumes, 2, "file systems")
	if len(all) == 0 {
		return host.ErrAbsent
	}
	var fault error
	found := false
	for i, f := range m.ask(ctx, root, all) {
		switch {
		case f.err == nil:
			m.tell(f, out)
			found = true
		case !errors.Is(f.err, host.ErrAbsent):
			fault = reading.Worse(fault, fmt.Errorf("%q: %w", all[i].points[0], f.err))
		}
	}
	if fault == nil && !found {
		return host.ErrAbsent
	}
	return fault
}

// tell adds what is known of a file system.
func (m *Volumes) tell(f filled, out *reading.Found) {
	s := f.space
	if s.Used+s.Free > 0 && !slices.Contains(m.listed, f.point) {
		out.Add("disk usage "+f.point, "Percent", 100*float64(s.Used)/float64(s.Used+s.Free))
	}
	if s.Inodes > 0 && s.FreeInodes <= s.Inodes {
		out.Add("disk inodes "+f.point, "Percent", 100*float64(s.Inodes-s.FreeInodes)/float64(s.Inodes))
	}
}

// ask asks for all volumes at once and returns what each gave.
func (m *Volumes) ask(ctx context.Context, root string, all []volume) []filled {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m.forget()
	for _, v := range all {
		if m.asked[v.device] == nil && len(m.asked) < maxAsked {
			m.asked[v.device] = new(reading.Attempt[filled])
		}
		if a := m.asked[v.device]; a != nil {
			a.Start(ctx, func(context.Context) filled { return m.look(root, v) })
		}
	}
	results := make([]filled, len(all))
	for i, v := range all {
		results[i].err = reading.ErrHangs // so do too many others, if it was not asked at all
		if a := m.asked[v.device]; a != nil {
			if f, ok := a.Wait(ctx); ok {
				results[i] = f
			}
		}
	}
	return results
}

// forget drops what has answered, and keeps what hangs, so that nothing is asked twice at once.
func (m *Volumes) forget() {
	maps.DeleteFunc(m.asked, func(_ string, a *reading.Attempt[filled]) bool { return !a.Hangs() })
}

// errHidden is told of a file system of which every mount point shows something else.
var errHidden = errors.New("hidden behind another mount, perhaps by the service's unit")

// look asks at the first of a volume's mount points that shows it. Another may be mounted over it, and a container has
// single files of the host's mounted.
func (m *Volumes) look(root string, v volume) filled {
	result := filled{err: errHidden}
	for _, point := range v.points[:min(len(v.points), maxPoints)] {
		s, err := m.statfs(filepath.Join(root, point))
		switch {
		case err != nil:
			result.err = err
		case !s.IsDir:
			result.err = host.ErrAbsent
		case s.Device == v.device || v.kind == "btrfs": // whose files say another device than its mount
			return filled{point: point, space: s}
		}
	}
	return result
}

// statSpace asks the kernel.
func statSpace(path string) (Space, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return Space{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	var f unix.Statfs_t
	if err := unix.Statfs(path, &f); err != nil {
		return Space{}, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	dev := uint64(st.Dev) // narrower on other systems
	return Space{
		Device: fmt.Sprintf("%d:%d", unix.Major(dev), unix.Minor(dev)),
		IsDir:  st.Mode&unix.S_IFMT == unix.S_IFDIR,
		Used:   f.Blocks - min(f.Bfree, f.Blocks), Free: f.Bavail,
		Inodes: f.Files, FreeInodes: f.Ffree,
	}, nil
}
