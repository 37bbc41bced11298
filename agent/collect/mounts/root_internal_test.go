package mounts

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"piway/agent/collect/host"
	"piway/agent/collect/hosttest"
)

func TestParseRoot(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text   string
		readOnly, ok bool
	}{
		{"nothing", "", false, false},
		{"no root", "30 29 179:2 / /lower ro,relatime - ext4 /dev/mmcblk0p2 ro\n", false, false},
		{"a service under ProtectSystem=strict", mountOfStrict, false, true},
		{"after an error", mountOfTurned, true, true},
		{
			"after an error, on Linux 6.15",
			"26 1 179:2 / / rw,noatime - ext4 /dev/mmcblk0p2 rw,emergency_ro,errors=remount-ro\n", true, true,
		},
		{"shut down", "26 1 179:2 / / rw,noatime - ext4 /dev/mmcblk0p2 rw,shutdown\n", true, true},
		{"read-only in both", "26 1 179:2 / / ro - btrfs /dev/sda2 ro,ssd,subvol=/@\n", true, true},
		{"an overlay", mountOfOverlay, false, true},
		{"an overlay that is read-only", strings.Replace(mountOfOverlay, "overlay rw", "overlay ro", 1), true, true},
		{"an image", "26 1 7:0 / / ro,relatime - squashfs /dev/root ro\n", false, false},
		{"over the initramfs", "1 1 0:2 / / rw - rootfs rootfs rw\n" + mountOfTurned, true, true},
		{"beneath an overlay", mountOfTurned + mountOfOverlay, false, true},
		{"no fields", "26 1 179:2 / / rw\n26 1 -\n - \n", false, false},
		{"an option that looks like it", "26 1 179:2 / / rw - ext4 /dev/ro rw,errors=remount-ro,prjquota\n", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if readOnly, ok := parseRoot(tt.text); readOnly != tt.readOnly || ok != tt.ok {
				t.Errorf("got %t, %t, want %t, %t", readOnly, ok, tt.readOnly, tt.ok)
			}
		})
	}
}

func TestRootReadOnly_is_the_machine_s(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  map[string]float64
	}{
		{"none", nil, map[string]float64{}},
		{"own", map[string]string{"proc/self/mountinfo": mountOfTurned}, map[string]float64{"root read-only": 1}},
		{
			"the first process's",
			map[string]string{"proc/1/mountinfo": mountOfTurned, "proc/self/mountinfo": mountOfOverlay},
			map[string]float64{"root read-only": 1},
		},
	} {
		got, _, err := hosttest.Read(t, tt.files, RootReadOnly)
		if !maps.Equal(got, tt.want) || (len(got) == 0) != errors.Is(err, host.ErrAbsent) {
			t.Errorf("%s: got %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
}

const (
	mountOfOverlay = "29 1 0:24 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/lower,upperdir=/up,workdir=/w\n" +
		"30 29 179:2 / /lower ro,relatime - ext4 /dev/mmcblk0p2 ro\n"
	mountOfStrict = "26 1 179:2 / / ro,noatime shared:1 - ext4 /dev/mmcblk0p2 rw,errors=remount-ro\n"
	mountOfTurned = "26 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 ro,errors=remount-ro\n"
)

func FuzzRoot(f *testing.F) {
	for _, text := range []string{mountOfOverlay, mountOfStrict, mountOfTurned, ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if readOnly, ok := parseRoot(text); readOnly && !ok {
			t.Errorf("%q: read-only and no root", text)
		}
	})
}
