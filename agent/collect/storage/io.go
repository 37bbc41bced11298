package storage

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

const (
	// maxDevices is how many disks are told of.
	maxDevices = 8
	// sectorSize is what the kernel counts in, whatever the disk's own sectors are (Documentation/block/stat.rst).
	sectorSize = 512
)

// IO remembers the counters of disks.
type IO struct{ tally reading.Tally }

// Read reads what has been read from and written to each whole disk since the last reading, and in how much of the
// time it had something to do.
func (d *IO) Read(ctx context.Context, out *reading.Found) error {
	text, err := host.ReadText(host.Proc(ctx, "diskstats"))
	if err != nil {
		return err
	}
	blocks := host.Sys(ctx, "block")
	disks := slices.DeleteFunc(parseDiskStats(text), func(s diskStat) bool {
		// A partition is not listed there, and what is made of others has no device.
		return !s.mayBeDisk() || !host.IsDevice(filepath.Join(blocks, s.name))
	})
	if len(disks) == 0 {
		d.tally.Last = nil
		return host.ErrAbsent
	}
	disks = reading.AtMost(out, disks, maxDevices, 3, "disks")
	now := map[string]reading.Count{}
	for _, s := range disks {
		of := s.number + " " + host.Trimmed(filepath.Join(blocks, s.name, "diskseq")) // older kernels have no such number
		now["read "+s.name] = reading.Count{Value: s.read, Of: of}
		now["written "+s.name] = reading.Count{Value: s.written, Of: of}
		now["busy "+s.name] = reading.Count{Value: s.busy, Of: of}
	}
	grown, elapsed := d.tally.Since(now)
	if len(grown) == 0 {
		return reading.ErrEarly
	}
	for _, s := range disks {
		s.tell(grown, elapsed, out)
	}
	return nil
}

// tell adds what is known of a disk.
func (s diskStat) tell(grown map[string]float64, elapsed time.Duration, out *reading.Found) {
	for _, what := range []string{"read", "written"} {
		if by, ok := grown[what+" "+s.name]; ok {
			out.Add("disk "+what+" "+s.name, "Bytes", by*sectorSize)
		}
	}
	if by, ok := grown["busy "+s.name]; ok {
		if v, ok := reading.Share(time.Duration(by)*time.Millisecond, elapsed); ok {
			out.Add("disk busy "+s.name, "Percent", v)
		}
	}
}

// A diskStat is a line of /proc/diskstats (Documentation/admin-guide/iostats.rst).
type diskStat struct {
	name, number  string // such as mmcblk0 and 179:0
	read, written uint64 // sectors
	busy          uint64 // milliseconds with something to do
}

// parseDiskStats returns the lines that are what the kernel writes.
func parseDiskStats(text string) []diskStat {
	var all []diskStat
	for line := range strings.Lines(text) {
		if s, err := parseDiskStat(strings.Fields(line)); err == nil {
			all = append(all, s)
		}
	}
	return all
}

func parseDiskStat(f []string) (diskStat, error) {
	if len(f) < 14 {
		return diskStat{}, errors.New("too short")
	}
	s := diskStat{name: f[2], number: f[0] + ":" + f[1]}
	for _, field := range []struct {
		at int
		to *uint64
	}{{5, &s.read}, {9, &s.written}, {12, &s.busy}} {
		var err error
		if *field.to, err = strconv.ParseUint(f[field.at], 10, 64); err != nil {
			return diskStat{}, err
		}
	}
	return s, nil
}

// mayBeDisk is false for what only looks like a disk: memory, files, drives for removable discs, and the parts of an
// eMMC that hold its boot loader.
func (s diskStat) mayBeDisk() bool {
	for _, no := range []string{"loop", "ram", "zram", "sr", "fd"} {
		if strings.HasPrefix(s.name, no) {
			return false
		}
	}
	if strings.HasPrefix(s.name, "mmcblk") && strings.Contains(s.name, "boot") {
		return false
	}
	return filepath.IsLocal(s.name)
}
