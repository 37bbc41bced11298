package spool_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"piway/agent/spool"
	"piway/shared/files/lying"
)

// onLyingDisk is inBubble, on a disk that forgets what was not synced.
func onLyingDisk(t *testing.T, change func(*spool.Config), f func(*testing.T, *shelf, *lying.Disk)) {
	t.Helper()
	disk := newDisk(t, t.TempDir())
	inBubble(t, func(c *spool.Config) {
		c.Dir, c.FS = filepath.Join(disk.dir, "spool"), disk
		if change != nil {
			change(c)
		}
	}, func(t *testing.T, s *shelf) { f(t, s, disk.Disk) })
}

type disk struct {
	*lying.Disk
	dir string
}

func newDisk(t testing.TB, dir string) disk {
	d := lying.New(dir)
	t.Cleanup(func() { _ = d.Close() }) // only read
	return disk{d, dir}
}

// Mkdir leaves no folder whose entry may not be durable, as files.System does.
func (d disk) Mkdir(name string, perm fs.FileMode) error {
	err := d.Disk.Mkdir(name, perm)
	if err != nil {
		_ = d.Remove(name) // it may not be there
	}
	return err
}

// powerCut is a new process after a power cut. Without rng the disk kept what it must alone.
func (s *shelf) powerCut(run string, d *lying.Disk, rng *rand.Rand) *lying.Disk {
	s.t.Helper()
	dir := s.t.TempDir()
	if err := d.Cut(dir, rng); err != nil {
		s.t.Fatal(err)
	}
	d.Kill()
	s.Close()
	after := newDisk(s.t, dir)
	s.cfg.Run, s.cfg.Dir, s.cfg.FS = run, filepath.Join(dir, "spool"), after
	s.Spool = spool.Open(s.cfg)
	return after.Disk
}

// The newest reading that a power cut leaves is no older than five seconds: each has an fsync behind it by then,
// though no other comes, and not each has one of its own.
func TestSpool_powerCut(t *testing.T) {
	t.Parallel()
	for _, age := range []time.Duration{0, 4900 * time.Millisecond, 5 * time.Second} { // of the last reading
		t.Run(age.String(), func(t *testing.T) {
			onLyingDisk(t, nil, func(_ *testing.T, s *shelf, d *lying.Disk) {
				s.readFor(2 * time.Minute) // the last one 15 s ago
				s.read()                   // has its fsync at once
				sure := s.n
				for range 7 {
					time.Sleep(10 * time.Millisecond)
					s.read()
				}
				time.Sleep(age)
				synctest.Wait()
				if age >= 5*time.Second {
					sure = s.n
				}
				s.powerCut("b", d, nil)
				s.wantAll(1, sure)
			})
		})
	}
}

// Readings come all the time, and each is durable five seconds later.
func TestSpool_powerCutAmongMany(t *testing.T) {
	t.Parallel()
	for i := range 12 {
		onLyingDisk(t, nil, func(t *testing.T, s *shelf, d *lying.Disk) {
			s.readFor(2 * time.Minute)
			var at []time.Time
			before := s.n
			for range 20 + i {
				s.read()
				at = append(at, time.Now())
				time.Sleep(900 * time.Millisecond)
			}
			synctest.Wait()
			now := time.Now()
			s.powerCut("b", d, nil)
			have, _ := values(s.all())
			for len(at) > 0 && now.Sub(at[0]) >= 5*time.Second {
				before++
				at = at[1:]
			}
			if len(have) < before {
				t.Errorf("%d readings are left, %d are older than 5 s", len(have), before)
			}
		})
	}
}

// A file that is full is on the disk before the next one is begun, and the folder has its entry.
func TestSpool_powerCutAfterAFullFile(t *testing.T) {
	t.Parallel()
	onLyingDisk(t, nil, func(_ *testing.T, s *shelf, d *lying.Disk) {
		s.readFor(2 * time.Minute)
		s.pad = 140
		for len(s.files()) < 3 { // in less time than until the next fsync
			s.read()
			time.Sleep(time.Millisecond)
		}
		s.powerCut("b", d, nil)
		s.wantAll(1, s.n) // the last is the first of its file, which is durable from the start
	})
}

// What goes to the disk at the end is durable, and what comes out of memory too.
func TestSpool_powerCutAfterTheEnd(t *testing.T) {
	t.Parallel()
	onLyingDisk(t, nil, func(_ *testing.T, s *shelf, d *lying.Disk) {
		s.read()
		s.Close()
		s.powerCut("b", d, nil)
		s.wantAll(1, 1)
	})
}

// A failed fsync costs nothing that had one before, and what is written after it is durable as ever.
func TestSpool_powerCutAfterAnError(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{lying.Write, lying.Sync, lying.SyncDir, lying.Rename} {
		for i, wait := range []time.Duration{0, 0, 6 * time.Minute, 6 * time.Minute} {
			t.Run(fmt.Sprint(kind, " ", wait, " ", i), func(t *testing.T) {
				onLyingDisk(t, nil, func(t *testing.T, s *shelf, d *lying.Disk) {
					s.readFor(2 * time.Minute)
					sure := s.n
					s.pad = i % 2 * 140 // so that new files are needed, or none
					d.Fail(func(op lying.Op) error {
						if op.Kind == kind {
							return syscall.EIO
						}
						return nil
					})
					s.readFor(8 * time.Minute)
					d.Fail(nil)
					time.Sleep(wait)
					if wait > 0 {
						s.readFor(time.Minute)
						time.Sleep(5 * time.Second)
						sure = s.n
					}
					if kind == lying.Rename || wait > 0 { // nothing lies; what is visible may go, and must not matter
						if err := d.Drop(); err != nil {
							t.Fatal(err)
						}
					}
					s.powerCut("b", d, nil)
					have, _ := values(s.all())
					if len(have) < sure {
						t.Errorf("%d readings are left, want %d", len(have), sure)
					}
				})
			})
		}
	}
}

// A full file that could not be synced is not believed, though nothing is written to it any more.
func TestSpool_powerCutAfterAFailedClose(t *testing.T) {
	t.Parallel()
	onLyingDisk(t, nil, func(_ *testing.T, s *shelf, d *lying.Disk) {
		s.readFor(2 * time.Minute)
		s.read() // has its fsync at once
		d.Fail(func(op lying.Op) error {
			if op.Kind == lying.Sync {
				return syscall.EIO
			}
			return nil
		})
		s.pad = 140
		for s.log.Count("cannot be used") == 0 { // no fsync is due before the file is full
			s.read()
			time.Sleep(time.Millisecond)
		}
		d.Fail(nil)
		time.Sleep(6 * time.Minute)
		s.powerCut("b", d, nil)
		s.wantAll(1, s.n)
	})
}

// What a killed process wrote, and nobody synced, is durable when the next one is up; so is what it believed in vain.
func TestSpool_powerCutAfterAKill(t *testing.T) {
	t.Parallel()
	onLyingDisk(t, nil, func(_ *testing.T, s *shelf, d *lying.Disk) {
		s.readFor(2 * time.Minute)
		d.Fail(func(op lying.Op) error {
			if op.Kind == lying.Sync {
				return syscall.EIO
			}
			return nil
		})
		s.read() // written, and the fsync fails: clean pages that are nowhere
		d.Kill()
		s.Close()
		d.Fail(nil)
		d.Start()
		s.cfg.Run = "b"
		s.Spool = spool.Open(s.cfg)
		s.powerCut("c", d, nil)
		s.wantAll(1, s.n)
	})
}

// A file that was never finished is of no use to anybody, and goes.
func TestSpool_unfinished(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		s.readFor(2 * time.Minute)
		s.Close()
		if err := os.WriteFile(filepath.Join(s.cfg.Dir, "000000000007.spool.tmp"), []byte("torn"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.restart("b", false)
		if got := s.files(); len(got) != 1 || strings.HasSuffix(got[0], ".tmp") {
			t.Errorf("files %q", got)
		}
		s.wantAll(1, s.n)
	})
}
