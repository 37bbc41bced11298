package mounts

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// oPath is O_PATH: open a place without opening what is there.
const oPath = 0x200000

func tableOf(t testing.TB, name string) table {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return parseMounts(string(text), nil)
}

func TestMountTable_covering(t *testing.T) {
	t.Parallel()
	inline := func(lines ...string) table { return parseMounts(strings.Join(lines, "\n"), nil) }
	const root = "1 0 8:1 / / rw - ext4 /dev/sda1 rw"
	for _, tt := range []struct {
		name  string
		table table
		path  string
		want  string // id and mount point
	}{
		{"the root", tableOf(t, "pi5"), "/", "26 /"},
		{"a folder of the root", tableOf(t, "pi5"), "/data", "26 /"},
		{"a mount point", tableOf(t, "pi5"), "/mnt/usb", "95 /mnt/usb"},
		{"a folder of a disk", tableOf(t, "pi5"), "/mnt/usb/a/b", "95 /mnt/usb"},
		{"a name that begins alike", tableOf(t, "pi5"), "/mnt/usb2", "26 /"},
		{"a blank", tableOf(t, "pi5"), "/media/pi/MY DISK/x", "96 /media/pi/MY DISK"},
		{"a subvolume", tableOf(t, "pc"), "/home/you", "50 /home"},
		{"a mount of a mount", tableOf(t, "pc"), "/home/me/cloud/x", "54 /home/me/cloud"},
		{"one over another", tableOf(t, "pi5-unit"), "/tmp/x", "312 /tmp"},
		{
			"hidden by a mount on its parent",
			inline(root, "2 1 8:2 / /mnt/usb rw - ext4 b rw", "3 1 8:3 / /mnt rw - ext4 c rw"), "/mnt/usb", "3 /mnt",
		},
		{
			"again on what hides it",
			inline(root, "2 1 8:2 / /mnt/usb rw - ext4 b rw", "3 1 8:3 / /mnt rw - ext4 c rw",
				"4 3 8:4 / /mnt/usb rw - ext4 d rw"),
			"/mnt/usb", "4 /mnt/usb",
		},
		{
			"three at one place, in any order",
			inline("4 3 8:4 / /m rw - ext4 d rw", "2 1 8:2 / /m rw - ext4 b rw", root, "3 2 8:3 / /m rw - ext4 c rw"),
			"/m/x", "4 /m",
		},
		{
			"a root on the first root",
			inline("1 1 0:1 / / rw - rootfs rootfs rw", "9 1 8:1 / / rw - ext4 a rw"), "/x", "9 /",
		},
		{"no root to be seen", inline("2 1 8:2 / /mnt rw - ext4 b rw"), "/mnt/x", "2 /mnt"},
		{"nothing there", inline("2 1 8:2 / /mnt rw - ext4 b rw"), "/x", ""},
		{"in circles", inline("1 2 8:1 / / rw - ext4 a rw", "2 1 8:2 / / rw - ext4 b rw"), "/x", ""},
		{"round and round", inline(root, "2 1 8:2 / /m rw - ext4 b rw", "2 2 8:2 / /m rw - ext4 b rw"), "/m", "2 /m"},
		{
			"round and round for ever",
			inline(root, "2 1 8:2 / /m rw - ext4 b rw", "3 2 8:3 / /m rw - ext4 c rw",
				"2 3 8:2 / /m rw - ext4 b rw"), "/m", "3 /m",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if m, ok := tt.table.covering(tt.path); ok {
				got = strconv.Itoa(m.id) + " " + m.point
			}
			if got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.path, got, tt.want)
			}
		})
	}
}

// The kernel says itself on which mount something is that is open.
func TestMountTable_covering_agrees_with_the_kernel(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Skip(err)
	}
	mounts := parseMounts(string(text), nil)
	paths := []string{"/", "/usr/bin", "/proc/self", t.TempDir()}
	for _, m := range mounts {
		if !strings.HasPrefix(m.kind, "nfs") && m.kind != "autofs" { // which may hang
			paths = append(paths, m.point)
		}
	}
	compared := 0
	for _, path := range paths {
		target, err := filepath.EvalSymlinks(path)
		if err != nil {
			continue // not ours to see
		}
		id, ok := mountID(t, target)
		if !ok {
			continue
		}
		got, _ := mounts.covering(target)
		if now, err := os.ReadFile("/proc/self/mountinfo"); err != nil || string(now) != string(text) {
			t.Skip("mounts change meanwhile")
		}
		if compared++; got.id != id {
			t.Errorf("%s is on mount %d, got %+v", target, id, got)
		}
	}
	if compared == 0 {
		t.Skip("the kernel says nothing")
	}
}

func mountID(t *testing.T, path string) (int, bool) {
	t.Helper()
	fd, err := syscall.Open(path, oPath|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	defer func() { _ = syscall.Close(fd) }()
	info, err := os.Open("/proc/self/fdinfo/" + strconv.Itoa(fd))
	if err != nil {
		return 0, false
	}
	defer func() { _ = info.Close() }()
	for lines := bufio.NewScanner(info); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "mnt_id:"); ok {
			id, err := strconv.Atoi(strings.TrimSpace(text))
			return id, err == nil
		}
	}
	return 0, false
}

func FuzzMountTable(f *testing.F) {
	for _, name := range []string{"pi5", "pi5-unit", "container", "pc"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "/mnt/usb/x")
	}
	f.Add("1 2 8:1 / / rw - ext4 a rw\n2 1 8:2 / /\\040\\9\\ rw - ext4 b rw", "/ /x")
	f.Fuzz(func(t *testing.T, text, path string) {
		if len(text) > 20_000 { // finding is of the order of mounts × depth
			return
		}
		path = filepath.Clean("/" + path)
		if m, ok := parseMounts(text, nil).covering(path); ok && !within(path, m.point) {
			t.Errorf("%q: got %+v", path, m)
		}
	})
}

func FuzzMountPlan(f *testing.F) {
	f.Add("UUID=1 /mnt/usb\\040x ext4 nofail 0 2\n# /dev/sdb1 /no\n/dev/sdb1 none swap sw", "/mnt/usb x/y")
	f.Add("\x00 /\\777/../.. x", "/")
	f.Fuzz(func(t *testing.T, text, path string) {
		path = filepath.Clean("/" + path)
		points := parseFstab(text)
		for _, p := range points {
			if filepath.Clean(p) != p || p[0] != '/' {
				t.Errorf("%q of %q is no clean path", p, text)
			}
		}
		if p := deepest(path, points); p != "" && !within(path, p) {
			t.Errorf("%q is not above %q", p, path)
		}
		if name := unitName(path); strings.ContainsAny(name, "/ \n") || name == "" || name[0] == '.' {
			t.Errorf("unit of %q: %q", path, name)
		}
		known := parseKnown(text)
		if diff := cmp.Diff(known, parseKnown(formatKnown(known))); diff != "" {
			t.Errorf("what is remembered changes: %s", diff)
		}
	})
}

func TestParseKnown(t *testing.T) {
	t.Parallel()
	got := parseKnown("/mnt/usb\n/a\\040b\\012\\134\nrel\n/x/\n/y/../z\n\n/mnt/usb\n/last")
	if diff := cmp.Diff([]string{"/mnt/usb", "/a b\n\\", "/last"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(got, parseKnown(formatKnown(got))); diff != "" {
		t.Error(diff)
	}
}

func TestUnitName(t *testing.T) {
	t.Parallel()
	// What systemd-escape --path prints.
	for path, want := range map[string]string{
		"/": "-", "/mnt/usb": "mnt-usb", "/mnt/my disk": `mnt-my\x20disk`, "/.a/.b": `\x2ea-.b`, "/a-b": `a\x2db`,
		"/é": `\xc3\xa9`, "/a:b_c.d": "a:b_c.d", `/a\b`: `a\x5cb`,
	} {
		if got := unitName(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}
