package mounts

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMounts(t *testing.T) {
	t.Parallel()
	text := `36 35 98:0 /a\040b /mnt\040x\011y\012z\134 rw,noatime master:1 propagate_from:2 - ext4 /dev/root rw,errors=continue
37 35 98:1 / /old rw - ext3 /dev/sda1 rw
38 35 0:1 / /proc rw shared:2 - proc proc rw
39 35 98:2 / - ext3 /dev/sda1 rw
40 35 98:2 / /half
41 35 98:3 / rel rw - ext3 /dev/sda2 rw
x 35 98:3 / /x rw - ext3 /dev/sda2 rw
42 x 98:3 / /x rw - ext3 /dev/sda2 rw
43 35 0:5 / /a b rw - tmpfs  rw,size=4k
44 35 98:4 / /b c rw - fuseblk /dev/b d rw`
	want := table{
		{36, 35, "98:0", "/a b", "/mnt x\ty\nz\\", true, "ext4", "/dev/root", "rw,errors=continue"},
		{37, 35, "98:1", "/", "/old", false, "ext3", "/dev/sda1", "rw"},
		{44, 35, "98:4", "/", "/b c", false, "fuseblk", "/dev/b d", "rw"},
	}
	if diff := cmp.Diff(want, parseMounts(text, isReal), cmp.AllowUnexported(mount{})); diff != "" {
		t.Error(diff)
	}
	all := parseMounts(text, nil)
	if len(all) != 5 || all[3].point != "/a\u00a0b" || all[3].kind != "tmpfs" || all[3].source != "" {
		t.Errorf("all: got %+v", all)
	}
}

func TestUnescape(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"/a": "/a", `/a\040b`: "/a b", `\134040`: `\040`, `/a\04`: `/a\04`, `\999`: `\999`, `\777`: `\777`, `\`: `\`, "": "",
	} {
		if got := unescape(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestIsReal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind, source string
		want         bool
	}{
		{"ext4", "/dev/root", true},
		{"vfat", "/dev/mmcblk0p1", true},
		{"fuseblk", "/dev/sda1", true},
		{"btrfs", "/dev/mapper/x", true},
		{"zfs", "tank/home", true},
		{"tmpfs", "tmpfs", false},
		{"overlay", "overlay", false},
		{"nfs4", "nas:/dev/x", false},
		{"cifs", "//nas/dev", false},
		{"fuse.sshfs", "pi@host:/", false},
		{"squashfs", "/dev/loop3", false},
		{"iso9660", "/dev/sr0", false},
	} {
		if got := isReal(tt.kind, tt.source); got != tt.want {
			t.Errorf("%s of %s: got %t, want %t", tt.kind, tt.source, got, tt.want)
		}
	}
}

func FuzzMounts(f *testing.F) {
	f.Add("36 35 98:0 / /mnt\\040x rw master:1 - ext4 /dev/root rw\n37 36 98:0 /a /b rw - ext4 /dev/root rw\n", "/b")
	f.Add("36 35 98:0 / / rw - - - - zfs tank rw\n", "")
	f.Fuzz(func(t *testing.T, text, listed string) {
		seen := map[string]bool{}
		for _, v := range volumesOf(parseMounts(text, isReal), []string{listed}) {
			if seen[v.device] || len(v.points) == 0 {
				t.Errorf("volume %+v of %q: twice, or nowhere", v, text)
			}
			seen[v.device] = true
		}
	})
}

func FuzzUnescape(f *testing.F) {
	for _, seed := range []string{"\\040", `/mnt\040x`, `\999`, `\0`, ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := unescape(text); len(got) > len(text) {
			t.Errorf("%q: got %q, which is longer", text, got)
		}
	})
}
