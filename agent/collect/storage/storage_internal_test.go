package storage

import (
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"piway/agent/collect/host"
	"piway/agent/collect/hosttest"
	"piway/agent/collect/reading"
)

// ext4 are the files of a mounted file system.
func ext4(name, errors, last, written string) map[string]string {
	dir := "sys/fs/ext4/" + name + "/"
	return map[string]string{
		"sys/fs/ext4/features/lazy_itable_init": "supported\n",
		dir + "errors_count":                    errors + "\n", dir + "last_error_time": last + "\n",
		dir + "lifetime_write_kbytes": written + "\n", dir + "session_write_kbytes": "12\n",
	}
}

func TestStorage_errors(t *testing.T) {
	t.Parallel()
	const sound, spoilt = "0", "3"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  map[string]float64
		why   error // nil for a fault
	}{
		{"no ext4", nil, nil, host.ErrAbsent},
		{"none is mounted", map[string]string{"sys/fs/ext4/features/lazy_itable_init": "supported\n"}, nil, host.ErrAbsent},
		{"none", ext4("mmcblk0p2", sound, "0", "5"), map[string]float64{"storage errors": 0}, reading.ErrEarly},
		{
			"two of three",
			hosttest.Merged(ext4("mmcblk0p2", spoilt, "0", "5"), ext4("sda1", sound, "0", "5"), ext4("dm-0", "2", "0", "5")),
			map[string]float64{"storage errors": 5},
			reading.ErrEarly,
		},
		{
			"only counted", hosttest.Without(hosttest.Without(ext4("sda1", spoilt, "0", "5"), "last_error_time"), "lifetime"),
			map[string]float64{"storage errors": 3},
			nil,
		},
		{"not counted", hosttest.Without(ext4("sda1", spoilt, "0", "5"), "errors_count"), map[string]float64{}, reading.ErrEarly},
		{
			"one cannot be read", hosttest.Merged(ext4("sda1", spoilt, "0", "5"), ext4("sdb1", "x", "0", "5")), map[string]float64{}, nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, _, err := hosttest.Read(t, tt.files, new(Ext4).Read)
			if !maps.Equal(got, tt.want) || tt.why != nil && !errors.Is(err, tt.why) {
				t.Errorf("got %v, %v, want %v, %v", got, err, tt.want, tt.why)
			}
		})
	}
}

func TestStorage_error_age(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 5e8)
	for last, want := range map[uint64]time.Duration{
		0: -1, 1_799_996_400: time.Hour + time.Second/2, 1_800_000_000: time.Second / 2,
		1_800_000_001: -1, math.MaxUint64: -1, 1 << 63: -1, 1: 1_799_999_999*time.Second + time.Second/2,
	} {
		if got := errorAge(last, now); got != want {
			t.Errorf("%d: got %v, want %v", last, got, want)
		}
	}
	if got := errorAge(5, time.Unix(-9, 0)); got != -1 {
		t.Errorf("on a clock before 1970: got %v", got)
	}
}

func TestStorage_written(t *testing.T) {
	t.Parallel()
	const early = -1
	disk := func(number string) map[string]string {
		return map[string]string{"sys/class/block/sda/diskseq": number + "\n", "sys/class/block/sda/sda1/partition": "1\n"}
	}
	for _, tt := range []struct {
		name          string
		before, after map[string]string
		want          float64
	}{
		{"nothing", ext4("sda1", "0", "0", "5000"), ext4("sda1", "0", "0", "5000"), 0},
		{"a megabyte", ext4("sda1", "0", "0", "5000"), ext4("sda1", "0", "0", "6000"), 1.02},
		{
			"to two", hosttest.Merged(ext4("sda1", "0", "0", "5000"), ext4("sdb1", "0", "0", "7")),
			hosttest.Merged(ext4("sda1", "0", "0", "6000"), ext4("sdb1", "0", "0", "1007")), 2.05,
		},
		{"it goes back", ext4("sda1", "0", "0", "5000"), ext4("sda1", "0", "0", "4999"), early},
		{
			"one of two goes back", hosttest.Merged(ext4("sda1", "0", "0", "5000"), ext4("sdb1", "0", "0", "7")),
			hosttest.Merged(ext4("sda1", "0", "0", "6000"), ext4("sdb1", "0", "0", "6")), early,
		},
		{
			"one is new", ext4("sda1", "0", "0", "5000"),
			hosttest.Merged(ext4("sda1", "0", "0", "5000"), ext4("sdb1", "0", "0", "7")), early,
		},
		{
			"one is gone", hosttest.Merged(ext4("sda1", "0", "0", "5000"), ext4("sdb1", "0", "0", "7")),
			hosttest.Without(ext4("sda1", "0", "0", "6000"), "none"), early,
		},
		{
			"another disk of that name", hosttest.Merged(ext4("sda1", "0", "0", "5000"), disk("3")),
			hosttest.Merged(ext4("sda1", "0", "0", "6000"), disk("4")), early,
		},
		{
			"the same disk", hosttest.Merged(ext4("sda1", "0", "0", "5000"), disk("3")),
			hosttest.Merged(ext4("sda1", "0", "0", "6000"), disk("3")),
			1.02,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := new(Ext4)
				dir := hosttest.New(t, tt.before)
				if err := os.MkdirAll(filepath.Join(dir, "sys/class/block"), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink("sda/sda1", filepath.Join(dir, "sys/class/block/sda1")); err != nil {
					t.Fatal(err)
				}
				if f := reading.Guarded(hosttest.On(t.Context(), dir), s.Read); !errors.Is(f.Err, reading.ErrEarly) {
					t.Errorf("first reading: got %+v", f)
				}
				time.Sleep(time.Minute)
				if err := os.RemoveAll(filepath.Join(dir, "sys/fs")); err != nil {
					t.Fatal(err)
				}
				for name, text := range tt.after {
					hosttest.Write(t, filepath.Join(dir, name), text)
				}
				f := reading.Guarded(hosttest.On(t.Context(), dir), s.Read)
				got := float64(early)
				for _, v := range f.Samples {
					if v.Name == "storage written" {
						got = v.Value
					}
				}
				if got != tt.want || (got == early) != errors.Is(f.Err, reading.ErrEarly) {
					t.Errorf("got %v, %v, want %v", got, f.Err, tt.want)
				}
			})
		})
	}
}

func TestEMMCWear(t *testing.T) {
	t.Parallel()
	const dir = "sys/block/mmcblk0/device/"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  map[string]float64
		why   error // nil for a fault, or for all that is wanted
	}{
		{"none", nil, map[string]float64{}, host.ErrAbsent},
		{"an SD card", map[string]string{dir + "type": "SD\n"}, map[string]float64{}, host.ErrAbsent},
		{
			"new",
			map[string]string{dir + "life_time": "0x01 0x01\n", dir + "pre_eol_info": "0x01\n"},
			map[string]float64{"emmc wear": 10, "emmc warning": 1},
			nil,
		},
		{
			"the worse type counts",
			map[string]string{dir + "life_time": "0x02 0x0b\n", dir + "pre_eol_info": "0x03\n"},
			map[string]float64{"emmc wear": 110, "emmc warning": 3},
			nil,
		},
		{
			"it says nothing",
			map[string]string{dir + "life_time": "0x00 0x00\n", dir + "pre_eol_info": "0x00\n"},
			map[string]float64{},
			host.ErrAbsent,
		},
		{"one says nothing", map[string]string{dir + "life_time": "0x00 0x04\n"}, map[string]float64{"emmc wear": 40}, nil},
		{
			"no number",
			map[string]string{dir + "life_time": "0x0c 0x01\n", dir + "pre_eol_info": "0x02\n"},
			map[string]float64{"emmc warning": 2},
			nil,
		},
		{
			"the worse of two, no boot area", map[string]string{
				"sys/block/mmcblk1/device/life_time": "0x03 0x01", dir + "life_time": "0x01 0x01",
				"sys/block/mmcblk0boot0/device/life_time": "0x0a 0x0a",
			}, map[string]float64{"emmc wear": 30}, nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, _, err := hosttest.Read(t, tt.files, EMMCWear)
			if !maps.Equal(got, tt.want) || tt.why != nil && !errors.Is(err, tt.why) {
				t.Errorf("got %v, %v, want %v, %v", got, err, tt.want, tt.why)
			}
		})
	}
	_, _, err := hosttest.Read(t, map[string]string{dir + "life_time": "0x0c 0x01\n"}, EMMCWear)
	if err == nil || errors.Is(err, host.ErrAbsent) {
		t.Errorf("no number: got %v, want what is wrong", err)
	}
}

func FuzzStorage(f *testing.F) {
	for _, text := range []string{"0x01 0x0b\n", "\x00\x10", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := parseEMMC(text, 11); n < 0 || n > 11 || err != nil && n != 0 {
			t.Errorf("%q: got %d, %v", text, n, err)
		}
		if card := describeCard(text, text, text, text, text); len(card) > reading.MaxAttribute {
			t.Errorf("%q: %d bytes", text, len(card))
		}
	})
}
