package mounts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/shirou/gopsutil/v3/disk"
)

func TestDisk_unplugged_and_plugged_in_again(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mounts(usbDisk)
	b.start("", b.usb, b.dir)
	b.has(b.usb, b.dir)
	b.mounts()
	for range 3 {
		b.has(b.dir)
	}
	b.told("is not mounted; it was before", 1)
	b.mounts(`31 20 0:41 / /mnt/my\040usb1 ext4 /dev/sda1`) // elsewhere
	b.has(b.dir)
	b.mounts(`32 20 0:42 / /mnt/my\040usb vfat /dev/sdb1`)
	b.has(b.usb, b.dir)
	b.told("sensor works again", 1)
	b.told("sensor fails", 1)
}

func TestDisk_the_agent_starts_without_it(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mounts(usbDisk)
	b.start(b.state, b.usb)
	b.has(b.usb)
	b.mounts()
	b.start(b.state, b.usb)
	b.has()
	b.told("remove its line from "+filepath.Join(b.state, knownFile), 1)
	b.start("", b.usb) // nothing tells that it ever was one
	b.has(b.usb)
	b.start(filepath.Join(b.dir, "none"), b.usb)
	b.has(b.usb)

	b.write("etc/fstab", "UUID=1 "+strings.ReplaceAll(b.usb, " ", `\040`)+" ext4 nofail 0 2\n")
	b.start("", b.usb, b.usb+"/")
	b.has()
	b.told("etc/fstab says that it should be", 2)
	link := b.dir + "/link" // which leads to where fstab mounts by another name
	if err := os.Symlink(b.usb, link); err != nil {
		t.Fatal(err)
	}
	b.write("etc/fstab", "UUID=1 "+link+" ext4 nofail 0 2\n")
	b.start("", link)
	b.has()
	b.start("", link, b.usb, b.usb+"/")
	b.mounts(usbDisk)
	b.has(link, b.usb, b.usb+"/")
	b.write("etc/fstab", "")
	b.mounts()
	b.write("etc/systemd/system/"+unitName(b.usb)+".mount", "[Mount]\n")
	b.start("", b.usb)
	b.has()
}

func TestDisk_what_is_remembered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	file := filepath.Join(b.state, knownFile)
	b.start(b.state, b.dir, b.usb)
	b.has(b.dir, b.usb)
	if _, err := os.Stat(file); err == nil {
		t.Error("a folder of the root is no mount point to remember")
	}
	b.mounts(usbDisk)
	b.has(b.dir, b.usb)
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	b.has(b.dir, b.usb)
	if after, err := os.Stat(file); err != nil || !os.SameFile(before, after) {
		t.Errorf("the file was written again: %v", err)
	}
	// Somebody takes it for a folder from now on.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	b.mounts()
	b.start(b.state, b.usb)
	b.has(b.usb)
	// Garbage in the file costs nothing.
	b.write("state/"+knownFile, "x\n\x00\n../..\n/\n")
	b.start(b.state, b.usb)
	b.has(b.usb)
	// Nor does a file that cannot be read or written.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	b.mounts(usbDisk)
	b.start(b.state, b.usb)
	b.has(b.usb)
	b.has(b.usb)
	b.told("is remembered until the agent ends only", 1)
	b.mounts()
	b.has()
}

// Whoever mounts a folder over itself, or a subvolume, changes no figure by unmounting it.
func TestDisk_mounts_of_one_file_system(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mounts(`30 20 179:2 /mnt/usb /mnt/my\040usb ext4 /dev/mmcblk0p2`)
	b.start(b.state, b.usb)
	b.has(b.usb)
	b.mounts()
	b.has(b.usb)
	b.start(b.state, b.usb)
	b.has(b.usb)
	// A folder in memory goes away with it: there is nothing to remember.
	b.mounts(`30 20 0:40 / /mnt tmpfs tmpfs`)
	b.has(b.usb)
	if _, err := os.Stat(filepath.Join(b.state, knownFile)); err == nil {
		t.Error("a mount that makes no difference is remembered")
	}
}

func TestDisk_paths(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	inside, link, plain := b.usb+"/photos", b.dir+"/link", b.dir+"/data"
	for _, folder := range []string{inside, plain} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(b.usb, link); err != nil {
		t.Fatal(err)
	}
	all := []string{b.usb, b.usb + "/", inside, link, plain}
	b.mounts(usbDisk)
	b.start("", all...)
	b.has(all...)
	want := map[string]string{
		b.usb: "", b.usb + "/": "", plain: plain + " is a folder of /: its figure is that of /",
		inside: inside + " is a folder of " + b.usb + ": its figure is that of " + b.usb,
		link:   link + " leads to " + b.usb,
	}
	for _, d := range b.disks {
		if got := d.Remark(); got != want[d.Path] {
			t.Errorf("%s: got %q, want %q", d.Path, got, want[d.Path])
		}
	}
	b.mounts() // a folder of the same name is on the disk below
	b.has(plain)
	b.mounts(usbDisk, `31 30 0:43 / /mnt/my\040usb/photos ext4 /dev/sdc1`)
	b.has(all...)
	b.mounts(usbDisk)
	b.has(b.usb, b.usb+"/", link, plain)
	b.mounts(`33 20 0:44 / /mnt tmpfs t`) // hides all below it
	b.has(plain)
	if err := os.RemoveAll(filepath.Join(b.dir, "mnt")); err != nil {
		t.Fatal(err)
	}
	b.has(plain)
}

func TestDisk_not_what_it_seems(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, tt := range []struct{ name, mount, want string }{
		{
			"its device is gone",
			`30 20 8:1 / /mnt/my\040usb ext4 /dev/sda1`, "is mounted still, but its device /dev/sda1 is gone",
		},
		{"only its automount is there", `30 20 0:40 / /mnt/my\040usb autofs systemd-1`, "only its automount is"},
	} {
		b.mounts(tt.mount)
		b.start("", b.usb)
		b.has()
		b.has()
		b.told(tt.want, 1)
	}
	b.mounts(`30 20 8:1 / /mnt/my\040usb ext4 /dev/sda1`)
	b.start("", b.usb)
	b.write("sys/dev/block/8:1", "")
	b.has(b.usb)
	devices := filepath.Join(b.dir, "sys/dev/block")
	for _, hide := range []func() error{
		func() error { return os.Remove(devices + "/8:1") },
		func() error { return os.Remove(devices + "/179:2") }, // a container may show an empty folder
		func() error { return os.Remove(devices) },
	} {
		if err := hide(); err != nil {
			t.Fatal(err)
		}
		if all, err := os.ReadDir(devices); err == nil && len(all) > 0 {
			b.has()
		} else {
			b.has(b.usb)
		}
	}
	b.start("", "/dev/null", "/proc", b.dir+"/none")
	b.has()
	b.told("write the path at which it is mounted", 1)
	b.told("no such file or directory", 1)
}

// Whatever is mounted or unmounted while a figure is asked for, it is that of what was found.
func TestDisk_changes_meanwhile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ask := disk.UsageWithContext
	during := func(changes ...func()) {
		b.start("", b.usb)
		b.disks[0].ask = func(ctx context.Context, path string) (*disk.UsageStat, error) {
			if len(changes) > 0 {
				changes[0]()
				changes = changes[1:]
			}
			return ask(ctx, path)
		}
	}
	plug, unplug := func() { b.mounts(usbDisk) }, func() { b.mounts() }

	b.write("etc/fstab", "UUID=1 "+strings.ReplaceAll(b.usb, " ", `\040`)+" ext4 nofail 0 2\n")
	plug()
	during(unplug)
	b.has()
	plug()
	during(unplug, plug)
	b.has()
	during(unplug, plug) // still unplugged at the start
	b.has()
	// An automount mounts the disk when it is asked for it.
	b.mounts(`29 20 0:39 / /mnt/my\040usb autofs systemd-1`)
	during(func() {
		b.mounts(`29 20 0:39 / /mnt/my\040usb autofs systemd-1`, `30 29 0:40 / /mnt/my\040usb ext4 /dev/sda1`)
	})
	b.has(b.usb)
	n := 40
	var all []func()
	for range 2 * steady {
		all = append(all, func() { n++; b.mounts(fmt.Sprintf(`%d 20 0:40 / /mnt/my\040usb ext4 /dev/sda1`, n)) })
	}
	during(all...)
	b.has()
	b.told("changes all the time", 1)
	during()
	b.has(b.usb)
	b.start("", b.usb)
	calls := 0
	b.disks[0].ask = func(ctx context.Context, path string) (*disk.UsageStat, error) {
		if calls++; calls == 1 {
			return nil, syscall.EINTR
		}
		return ask(ctx, path)
	}
	b.has(b.usb)
}

// In a container the links of the host lead to the container's own folders.
func TestDisk_a_link_out_of_the_host(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	link, out := b.dir+"/out", t.TempDir()
	if err := os.Symlink(out, link); err != nil {
		t.Fatal(err)
	}
	b.start("", link, out, b.dir)
	b.has(link, out, b.dir) // the bench's folder is no machine's /
	b.mounts("30 20 179:2 / . ext4 /dev/mmcblk0p2")
	b.has(out, b.dir)
	b.told("a link leads out of "+b.dir, 1)
}

func TestPercentUsed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		u    disk.UsageStat
		want float64
		ok   bool
	}{
		{disk.UsageStat{Total: 100, Used: 60, Free: 20}, 75, true},
		{disk.UsageStat{Total: 100, Used: 0, Free: 100}, 0, true},
		{disk.UsageStat{Total: 100, Used: 100, Free: 0}, 100, true},
		{disk.UsageStat{}, 0, false},
		{disk.UsageStat{Total: 100, Used: 1<<64 - 50, Free: 150}, 0, false},
		{disk.UsageStat{Total: 100, Used: 20, Free: 1<<64 - 5}, 0, false},
	} {
		got, err := percentUsed(&tt.u)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%+v: got %v, %v", tt.u, got, err)
		}
	}
}
