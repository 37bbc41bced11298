package mounts

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// A mount is a line of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
type mount struct {
	id, parent int
	device     string // major:minor
	root       string // the folder of the file system that is mounted, / unless it is a bind mount
	point      string // where, as the process sees it whose table this is
	follows    bool   // what is mounted where it was copied from shows here too
	kind       string // such as ext4
	source     string // such as /dev/mmcblk0p2
	options    string // of the file system, not of the mount: ro if it takes no writes
}

// parseMounts returns the mounts that keep may want: the others of 3000 are not taken apart. Nil keeps all.
func parseMounts(text string, keep func(kind, source string) bool) table {
	var all table
	for line := range strings.Lines(text) {
		before, after, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		rest := strings.Split(after, " ") // type, source, options; the source may be empty
		if !ok || len(rest) < 2 || keep != nil && !keep(rest[0], rest[1]) {
			continue
		}
		if m, ok := parseMount(before); ok {
			m.kind, m.source, m.options = rest[0], unescape(rest[1]), rest[len(rest)-1]
			all = append(all, m)
		}
	}
	return all
}

// parseMount reads "36 35 98:0 /root /point rw,noatime master:1": id, parent, device, root, mount point, options,
// propagation. One blank is between two fields: those of Unicode may be part of a name.
func parseMount(text string) (mount, bool) {
	fields := strings.Split(text, " ")
	if len(fields) < 6 || !strings.HasPrefix(fields[4], "/") {
		return mount{}, false
	}
	id, err := strconv.Atoi(fields[0])
	parent, errParent := strconv.Atoi(fields[1])
	m := mount{id: id, parent: parent, device: fields[2], root: unescape(fields[3]), point: unescape(fields[4])}
	for _, option := range fields[6:] {
		m.follows = m.follows || strings.HasPrefix(option, "master:")
	}
	return m, err == nil && errParent == nil
}

// unescape puts back what the kernel writes in octal: space, tab, newline and backslash.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+4 <= len(text) {
			if c, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// images are file systems that are full by design: discs, and packages such as those of snap.
var images = []string{"squashfs", "erofs", "iso9660", "udf", "cramfs", "romfs"}

// isReal reports whether a file system is on a disk of this machine. What comes over the network is not: it may hang,
// and is another machine's to tell.
func isReal(kind, source string) bool {
	if kind == "zfs" {
		return true
	}
	return strings.HasPrefix(source, "/dev/") && !slices.Contains(images, kind)
}

// others are folders of which other programs mount things by the thousand.
var others = []string{
	"/dev/", "/proc/", "/sys/", "/snap/", "/run/credentials/", "/var/lib/containers/", "/var/lib/docker/",
	"/var/lib/kubelet/", "/var/snap/",
}

// A volume is a file system, and where it is mounted: the best place first.
type volume struct {
	device, kind string
	points       []string
}

// volumesOf returns each real file system once, however often it is mounted. The best mount point is one of first, then
// one that shows the whole, then the shortest. The volumes are in the order of their best mount points, the shortest
// first.
func volumesOf(mounts []mount, first []string) []volume {
	better := func(a, b mount) int {
		return cmp.Or(
			-cmp.Compare(index(a.point, first), index(b.point, first)),
			-cmp.Compare(index(a.root, []string{"/"}), index(b.root, []string{"/"})),
			cmp.Compare(len(a.point), len(b.point)),
			cmp.Compare(a.point, b.point),
		)
	}
	mounts = slices.DeleteFunc(mounts, func(m mount) bool {
		return slices.ContainsFunc(others, func(dir string) bool { return strings.HasPrefix(m.point, dir) })
	})
	slices.SortFunc(mounts, better)
	var all []volume
	at := map[string]int{}
	for _, m := range mounts {
		i, known := at[m.device]
		if !known {
			i = len(all)
			at[m.device] = i
			all = append(all, volume{device: m.device, kind: m.kind})
		}
		if v := &all[i]; !slices.Contains(v.points, m.point) {
			v.points = append(v.points, m.point)
		}
	}
	return all
}

// index is 1 for what is listed, else 0.
func index(text string, list []string) int {
	if slices.Contains(list, text) {
		return 1
	}
	return 0
}
