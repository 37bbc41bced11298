package storage

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
	"piway/shared/clock"
)

// Ext4 remembers how much has been written to the ext4 file systems.
type Ext4 struct{ tally reading.Tally }

// Read reads how many errors the mounted ext4 file systems have on record, how old the newest is, and what has been
// written to them since the last reading (Documentation/ABI/testing/sysfs-fs-ext4). One file system that cannot be read
// makes a figure absent: less than all is wrong.
func (s *Ext4) Read(ctx context.Context, out *reading.Found) error {
	counts, noCounts := ofExt4(ctx, "errors_count")
	if noCounts == nil {
		var all uint64
		for _, n := range counts {
			all += n
		}
		out.Add("storage errors", "Count", float64(all))
	}
	dates, noDates := ofExt4(ctx, "last_error_time")
	if noDates == nil {
		last := slices.Max(slices.Collect(maps.Values(dates)))
		if age := errorAge(last, clock.Now()); age >= 0 && clock.Read() != clock.Unsynced {
			out.Add("storage error age", "Seconds", age.Seconds())
		}
	}
	kib, noKiB := ofExt4(ctx, "lifetime_write_kbytes")
	if noKiB == nil {
		if written, ok := s.written(ctx, kib); ok {
			out.Add("storage written", "Megabytes", written)
		} else {
			noKiB = reading.ErrEarly
		}
	}
	return cause(noCounts, noDates, noKiB)
}

// cause returns the most telling of several reasons: a fault, else what is early; ErrAbsent only if nothing is there.
func cause(all ...error) error {
	var why error
	absent := 0
	for _, err := range all {
		switch {
		case errors.Is(err, host.ErrAbsent):
			absent++
		case err != nil && (why == nil || errors.Is(why, reading.ErrEarly)):
			why = err
		}
	}
	if absent == len(all) {
		return host.ErrAbsent
	}
	return why
}

// ofExt4 returns what one file says of each mounted ext4 file system, by the name of its block device, or ErrAbsent.
func ofExt4(ctx context.Context, file string) (map[string]uint64, error) {
	dir := host.Sys(ctx, "fs/ext4")
	names, err := host.Entries(dir, "")
	if err != nil {
		return nil, err
	}
	all := map[string]uint64{}
	for _, name := range names {
		n, err := host.ReadCount(filepath.Join(dir, name, file))
		if errors.Is(err, host.ErrAbsent) { // such as features, which is none, or one that has just been unmounted
			continue
		}
		if err != nil {
			return nil, err
		}
		all[name] = n
	}
	if len(all) == 0 {
		return nil, host.ErrAbsent
	}
	return all, nil
}

// errorAge is how long ago an error was, given in seconds of Unix time; negative for none, which is 0, and for one that
// this clock has yet to reach.
func errorAge(last uint64, now time.Time) time.Duration {
	if last == 0 || last > uint64(max(now.Unix(), 0)) {
		return -1
	}
	return now.Sub(time.Unix(int64(last), 0)) //nolint:gosec // it is before now
}

// written takes how many KiB were ever written to each file system. It returns how many megabytes that is since the
// last reading, or false if that is not known of all: one is new, was replaced, or its counter went back.
func (s *Ext4) written(ctx context.Context, kib map[string]uint64) (megabytes float64, ok bool) {
	last := s.tally.Last
	now := map[string]reading.Count{}
	for name, n := range kib {
		now[name] = reading.Count{Value: n, Of: diskSequence(ctx, name)}
	}
	grown, _ := s.tally.Since(now)
	for _, by := range grown {
		megabytes += by * 1024 / 1e6
	}
	return megabytes, len(grown) == len(now) && len(last) == len(now)
}

// diskSequence returns the number that the kernel has given to a partition's disk, and to no other since it started;
// "" where it has none.
func diskSequence(ctx context.Context, device string) string {
	dir := filepath.Join(host.Sys(ctx, "class/block"), device) // a link to the disk's folder, or to one below that
	if number := host.Trimmed(dir + "/diskseq"); number != "" {
		return number
	}
	return host.Trimmed(dir + "/../diskseq") // not joined, which would forget the link
}
