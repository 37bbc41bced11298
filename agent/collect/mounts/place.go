package mounts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shirou/gopsutil/v3/common"

	"piway/agent/collect/host"
)

// A place is where a path lies.
type place struct {
	path  string // as the machine calls it: a container may see it elsewhere
	point string // the mount point at or above it, as the machine calls it; "" if that is not to be found out
	own   mount  // what this process sees there
	apart bool   // the mount is of another file system than what it lies on
}

// rootFolder is where / of the machine is, if it is to be seen at all.
func rootFolder(ctx context.Context) string {
	return host.Folder(ctx, common.HostRootEnvKey, filepath.Dir(host.Proc(ctx, "")))
}

// ownMounts returns the mountinfo of this process, "" if it cannot be read.
func ownMounts(ctx context.Context) string {
	for _, path := range []string{host.Proc(ctx, "self/mountinfo"), "/proc/self/mountinfo"} {
		if text, err := host.ReadText(path); err == nil {
			return text
		}
	}
	return ""
}

// locate finds in mounts, the mountinfo of this process, where name leads: to path, in which are no symbolic links. It
// returns an error if this process sees something else there than the machine does.
func locate(ctx context.Context, name, path, mounts string) (place, error) {
	w := world{own: parseMounts(mounts, nil), root: rootFolder(ctx)}
	if w.leaves(name, path) {
		return place{}, fmt.Errorf("a link leads out of %s, to %s of the container", w.root, path)
	}
	if w.maySeeOthers(path) {
		text, err := host.ReadText(host.Proc(ctx, "1/mountinfo"))
		if err == nil {
			w.machine = parseMounts(text, nil)
		}
		w.alone = err != nil && w.root == "/"
	}
	return w.find(path)
}

// A world is what this process sees, and what the machine does whose figures it tells.
type world struct {
	own     table
	machine table  // of process 1, as far as it is to be asked
	root    string // where this process sees the machine's /
	alone   bool   // process 1 is hidden, as by ProtectProc= of a service: the own mounts must do
}

// sandboxHint is what explains another view than the machine's.
const sandboxHint = "it is in a sandbox, such as ProtectHome= or PrivateTmp= of its service; " +
	"install the unit of this version"

// sandboxed are the places over which systemd mounts others for a service.
var sandboxed = []string{"/home", "/root", "/run/user", "/tmp", "/var/tmp"}

// maySeeOthers says whether this process may see other mounts than the machine has: in a container that was given the
// host's /proc, and in a service for which systemd mounts and hides some. Who has mounts of his own otherwise means
// them.
func (w world) maySeeOthers(path string) bool {
	top, ok := w.own.covering(w.root)
	if !ok || top.point != w.root || !within(path, w.root) {
		return false
	}
	at, _ := w.own.covering(path)
	return w.root != "/" || top.follows || slices.Contains(sandboxed, at.point)
}

// leaves says whether a link on the machine, whose / a container sees elsewhere, has led to what is not the machine's.
func (w world) leaves(name, path string) bool {
	top, ok := w.own.covering(w.root)
	return ok && top.point == w.root && within(filepath.Clean(name), w.root) && !within(path, w.root)
}

// find returns where path is. A machine that has another root is none to compare with.
func (w world) find(path string) (place, error) {
	if w.alone {
		return w.inSandbox(path)
	}
	own, ok := w.own.covering(path)
	if !ok {
		return place{path: path}, nil
	}
	under, _ := w.own.covering(filepath.Dir(own.point))
	apart := under.device != own.device
	top, _ := w.own.covering(w.root)
	first, ok := w.machine.covering("/")
	if !ok || first.device != top.device || first.root != top.root || !within(path, w.root) {
		return place{path: path, point: own.point, own: own, apart: apart}, nil
	}
	there := filepath.Join("/", strings.TrimPrefix(path, strings.TrimSuffix(w.root, "/")))
	m, _ := w.machine.covering(there)
	switch {
	case m.device == own.device:
		return place{path: there, point: m.point, own: own, apart: apart}, nil
	case w.root == "/":
		return place{}, fmt.Errorf("this process sees %s at %s, and the machine %s: "+sandboxHint, own.what(), own.point,
			m.what())
	}
	return place{}, fmt.Errorf("this container sees %s at %s, and its host %s: mount the host's / into it with rslave",
		own.what(), own.point, m.what())
}

// what names a file system.
func (m mount) what() string { return strings.TrimSpace(m.kind + " " + m.source) }

// couldBeMissed says whether there would be another figure if nothing were mounted. A folder of a tmpfs would not be
// there.
func (p place) couldBeMissed() bool {
	return p.apart && (p.point == p.path || p.own.kind != "tmpfs")
}

// deviceGone says whether a mount's disk was taken away. Until it is unmounted the kernel answers from memory.
func deviceGone(ctx context.Context, m mount) bool {
	if m.device == "" || strings.HasPrefix(m.device, "0:") { // no block device
		return false
	}
	devices := host.Sys(ctx, "dev/block")
	if all, err := host.Entries(devices, ""); err != nil || len(all) == 0 { // containers may hide it
		return false
	}
	_, err := os.Lstat(filepath.Join(devices, m.device))
	return errors.Is(err, fs.ErrNotExist)
}

// remark says of what the figure of a path is, if that is not plain. Path is without symbolic links.
func (p place) remark(name, path string) string {
	lead := name
	if filepath.Clean(name) != path {
		lead = name + " leads to " + path + ", which"
	}
	switch {
	case p.point == "":
		return "whether something is mounted at " + name + " is not to be found out"
	case p.point != p.path:
		point := p.own.point // of a container, which sees the machine's elsewhere
		if p.path == path {
			point = p.point
		}
		return fmt.Sprintf("%s is a folder of %s: its figure is that of %s", lead, point, point)
	case p.own.root != "/":
		return fmt.Sprintf("%s is %s of %s: its figure is that of all of it", lead, p.own.root, p.own.what())
	case lead != name:
		return name + " leads to " + path
	}
	return ""
}
