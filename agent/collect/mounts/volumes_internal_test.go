package mounts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/agent/collect/host"
	"piway/agent/collect/hosttest"
	"piway/agent/collect/reading"
)

// mountsOn reads the mounts in a table, each with half of its space and all of its inodes used, and of the device that
// the table says unless devices has another. It returns names and what is left out.
func mountsOn(t *testing.T, m *Volumes, table string) (names []string, f reading.Found) {
	t.Helper()
	dir := t.TempDir()
	hosttest.Write(t, filepath.Join(dir, "proc/self/mountinfo"), table)
	f = reading.Guarded(hosttest.On(t.Context(), dir), m.Read)
	for _, s := range f.Samples {
		names = append(names, s.Name)
	}
	return names, f
}

// half is a file system of which half is used, and every inode.
func half(device string) Space {
	return Space{Device: device, IsDir: true, Used: 5, Free: 5, Inodes: 10}
}

// disks answers by mount point.
func disks(devices map[string]string) func(string) (Space, error) {
	return func(path string) (Space, error) {
		if device, ok := devices[path]; ok {
			return half(device), nil
		}
		return Space{}, os.ErrNotExist
	}
}

func mountLine(device, root, point, kind, source string) string {
	return fmt.Sprintf("36 35 %s %s %s rw,noatime shared:1 - %s %s rw\n", device, root, point, kind, source)
}

func TestMounts_names(t *testing.T) {
	t.Parallel()
	long := "/" + strings.Repeat("x", 200)
	tooLong := "/" + strings.Repeat("x", 254)
	table := mountLine("8:1", "/", `/a\040b`, "ext4", "/dev/sda1") + mountLine("8:2", "/", long, "ext4", "/dev/sda2") +
		mountLine("8:3", "/", `/new\012line`, "ext4", "/dev/sda3") + mountLine("8:4", "/", "/Bücher", "ext4", "/dev/sda4") +
		mountLine("8:5", "/", tooLong, "ext4", "/dev/sda5") + mountLine("8:6", "/", `/end\040`, "ext4", "/dev/sda6")
	m := NewVolumes(nil, disks(map[string]string{
		"/a b": "8:1", long: "8:2", "/new\nline": "8:3", "/Bücher": "8:4", tooLong: "8:5", "/end ": "8:6",
	}))
	names, f := mountsOn(t, m, table)
	want := []string{"disk usage /a b", "disk inodes /a b", "disk usage " + long, "disk inodes " + long}
	slices.Sort(names)
	slices.Sort(want)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if f.Left != 8 || f.Err == nil {
		t.Errorf("got %d left out, %v; want 8 and the first reason", f.Left, f.Err)
	}
}

func TestMounts_one_file_system_is_told_once(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, table string
		listed      []string
		devices     map[string]string
		want        []string
		err         error
	}{
		{
			"bind mounts", mountLine("8:2", "/var/x", "/a", "ext4", "/dev/sda2") +
				mountLine("8:2", "/", "/longer", "ext4", "/dev/sda2"),
			nil,
			map[string]string{"/a": "8:2", "/longer": "8:2"},
			[]string{"disk usage /longer", "disk inodes /longer"},
			nil,
		},
		{
			"the configured one", mountLine("8:2", "/", "/a", "ext4", "/dev/sda2") +
				mountLine("8:2", "/", "/data", "ext4", "/dev/sda2"),
			[]string{"/data"},
			map[string]string{"/a": "8:2", "/data": "8:2"},
			[]string{"disk inodes /data"},
			nil,
		},
		{
			"stacked: only the upper one is seen", mountLine("8:2", "/", "/mnt", "ext4", "/dev/sda2") +
				mountLine("8:3", "/", "/mnt", "ext4", "/dev/sdb1"),
			nil,
			map[string]string{"/mnt": "8:3"},
			[]string{"disk usage /mnt", "disk inodes /mnt"},
			errHidden,
		},
		{
			"hidden at one place, seen at another", mountLine("8:2", "/", "/home", "ext4", "/dev/sda2") +
				mountLine("8:2", "/", "/home2", "ext4", "/dev/sda2"),
			nil,
			map[string]string{"/home": "0:40", "/home2": "8:2"},
			[]string{"disk usage /home2", "disk inodes /home2"},
			nil,
		},
		{
			"hidden by ProtectHome", mountLine("8:2", "/", "/home", "ext4", "/dev/sda2") +
				mountLine("0:40", "/", "/home", "tmpfs", "tmpfs"),
			nil,
			map[string]string{"/home": "0:40"},
			nil, errHidden,
		},
		{
			"btrfs has a device of its own", mountLine("0:40", "/@", "/", "btrfs", "/dev/sda2"),
			nil,
			map[string]string{"/": "0:41"},
			[]string{"disk usage /", "disk inodes /"},
			nil,
		},
		{"unmounted meanwhile", mountLine("8:2", "/", "/x", "ext4", "/dev/sda2"), nil, nil, nil, os.ErrNotExist},
		{"none", mountLine("0:40", "/", "/", "overlay", "overlay"), nil, nil, nil, host.ErrAbsent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			names, f := mountsOn(t, NewVolumes(tt.listed, disks(tt.devices)), tt.table)
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Error(diff)
			}
			if !errors.Is(f.Err, tt.err) || f.Left != 0 {
				t.Errorf("got %v, %d left out; want %v", f.Err, f.Left, tt.err)
			}
		})
	}
}

// A host of containers: what they mount is none of ours, and what is too much is told in the same words each time.
func TestMounts_thousands(t *testing.T) {
	t.Parallel()
	root := mountLine("8:2", "/", "/", "ext4", "/dev/sda2")
	var containers, volumes strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&containers, "%d 25 0:%d / /var/lib/docker/overlay2/%064x/merged rw - overlay overlay rw,l=%s\n", i, i, i,
			strings.Repeat("/var/lib/docker/overlay2/l/ABCDEF:", 20))
		fmt.Fprintf(&containers, "%d 25 253:%d / /var/lib/docker/devicemapper/mnt/%d rw - ext4 /dev/mapper/x%d rw\n", i, i, i,
			i)
		fmt.Fprintf(&volumes, "%d 25 253:%d / /mnt/%04d rw - ext4 /dev/mapper/x-%d rw\n", i, i, i, i)
	}
	var asked atomic.Int32
	m := NewVolumes(nil, func(path string) (Space, error) {
		asked.Add(1)
		if path == "/" {
			return half("8:2"), nil
		}
		n := 0
		_, err := fmt.Sscanf(path, "/mnt/%d", &n)
		return half(fmt.Sprintf("253:%d", n)), err
	})
	if names, f := mountsOn(t, m, root+containers.String()); len(names) != 2 || f.Err != nil || asked.Load() != 1 {
		t.Errorf("containers: got %v, %v; %d asked, want the root only", names, f.Err, asked.Load())
	}
	names, f := mountsOn(t, m, root+volumes.String())
	if len(names) != 2*maxVolumes || f.Left != 2*(3001-maxVolumes) || f.Err == nil {
		t.Errorf("volumes: got %d, %d left out, %v", len(names), f.Left, f.Err)
	}
	fewer, g := mountsOn(t, m, root+volumes.String()[:volumes.Len()/2])
	if !slices.Equal(fewer, names) || g.Err == nil || g.Err.Error() != f.Err.Error() {
		t.Errorf("fewer volumes: got %v and %v, want the same names and words", fewer, g.Err)
	}
}

// A dead disk costs nothing but its own figures, and no more than one thread for as long as it hangs.
func TestMounts_one_hangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var begun atomic.Int32
		m := NewVolumes(nil, func(path string) (Space, error) {
			if path == "/dead" {
				begun.Add(1)
				<-release
			}
			return half(map[string]string{"/": "8:2", "/dead": "8:3"}[path]), nil
		})
		table := mountLine("8:2", "/", "/", "ext4", "/dev/sda2") + mountLine("8:3", "/", "/dead", "ext4", "/dev/sdb1")
		for i, want := range []time.Duration{patience, 0, 0} {
			begin := time.Now()
			names, f := mountsOn(t, m, table)
			if took := time.Since(begin); len(names) != 2 || !errors.Is(f.Err, reading.ErrHangs) || took != want {
				t.Errorf("reading %d: got %v, %v after %s", i, names, f.Err, took)
			}
		}
		if names, f := mountsOn(t, m, ""); len(names) != 0 || !errors.Is(f.Err, host.ErrAbsent) {
			t.Errorf("gone: got %v, %v", names, f.Err)
		}
		if names, _ := mountsOn(t, m, table); len(names) != 2 || begun.Load() != 1 {
			t.Errorf("back: got %v, begun %d times; want one", names, begun.Load())
		}
		close(release)
		synctest.Wait()
		if names, f := mountsOn(t, m, table); len(names) != 4 || f.Err != nil {
			t.Errorf("after it came back: got %v, %v", names, f.Err)
		}
	})
}

func TestMounts_ever_new_ones_hang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var begun atomic.Int32
		m := NewVolumes(nil, func(string) (Space, error) { begun.Add(1); <-release; return Space{}, os.ErrNotExist })
		for i := range 100 {
			mountsOn(t, m, mountLine(fmt.Sprintf("8:%d", i), "/", fmt.Sprintf("/m%d", i), "ext4", "/dev/sdb1"))
		}
		if begun.Load() != maxAsked {
			t.Errorf("%d hang, want no more than %d", begun.Load(), maxAsked)
		}
		close(release)
	})
}

// What the kernel says of this machine's own folder is what it is.
func TestStatSpace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hosttest.Write(t, filepath.Join(dir, "file"), "")
	s, err := statSpace(dir)
	if err != nil || !s.IsDir || s.Used+s.Free == 0 || !strings.Contains(s.Device, ":") {
		t.Errorf("got %+v, %v", s, err)
	}
	if s, err := statSpace(filepath.Join(dir, "file")); err != nil || s.IsDir {
		t.Errorf("file: got %+v, %v", s, err)
	}
	if _, err := statSpace(filepath.Join(dir, "gone")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("gone: got %v", err)
	}
}
