package storage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseDiskStats(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want []diskStat
	}{
		{ // kernels before 4.18, before 5.5 and now
			" 179 0 mmcblk0 1 2 3 4 5 6 7 8 9 10 11\n 8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n" +
				" 8 16 sdb 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
			[]diskStat{{"mmcblk0", "179:0", 3, 7, 10}, {"sda", "8:0", 3, 7, 10}, {"sdb", "8:16", 3, 7, 10}},
		},
		{" 3 1 hda1 1 2 3 4\n", nil}, // 2.6's partitions
		{" 8 0 sda 1 2 -3 4 5 6 7 8 9 10 11\n", nil},
		{"\n\nx", nil},
	} {
		if diff := cmp.Diff(tt.want, parseDiskStats(tt.text), cmp.AllowUnexported(diskStat{})); diff != "" {
			t.Errorf("%q: %s", tt.text, diff)
		}
	}
}

func TestDiskStat_mayBeDisk(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"mmcblk0": true, "sda": true, "nvme0n1": true, "vda": true, "xvda": true, "mtdblock0": true,
		"loop7": false, "ram0": false, "zram0": false, "sr0": false, "fd0": false, "mmcblk0boot0": false, "..": false,
		"a/b/../../..": false,
	} {
		if got := (diskStat{name: name}).mayBeDisk(); got != want {
			t.Errorf("%s: got %t, want %t", name, got, want)
		}
	}
}

func FuzzDiskStats(f *testing.F) {
	for _, seed := range []string{" 179 0 mmcblk0 1 2 3 4 5 6 7 8 9 10 11\n", "", "\x00", " 8 0 \n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range parseDiskStats(text) {
			if s.name == "" || strings.ContainsAny(s.name, " \n") {
				t.Errorf("disk of %q: %q", text, s.name)
			}
		}
	})
}
