package pki

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"piway/shared/files"
	"piway/shared/files/lying"
)

// steps runs work on a fresh disk once for each step it takes there, and has decide say what becomes of that step.
func steps(t *testing.T, decide func(d *lying.Disk, op lying.Op) error, work func(d *lying.Disk, dir string)) {
	t.Helper()
	for at := range 100 {
		dir := t.TempDir()
		d := lying.New(dir)
		n := 0
		d.Fail(func(op lying.Op) error {
			n++
			if n-1 != at {
				return nil
			}
			return decide(d, op)
		})
		work(d, dir)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if n <= at {
			return
		}
	}
	t.Fatal("there is no end of steps")
}

// left returns what a power cut now leaves of the folder.
func left(t *testing.T, d *lying.Disk, rng *rand.Rand) string {
	t.Helper()
	dir := t.TempDir()
	if err := d.Cut(dir, rng); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "pki")
}

// reopened opens the folder of an authority without waiting for a real disk.
func reopened(t *testing.T, dir string) (*Authority, error) {
	t.Helper()
	d := lying.New(filepath.Dir(dir))
	a, err := openAuthority(d, dir, nil)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return a, err
}

// Whatever step fails, and how, an authority that was opened is the one that the next process opens, also behind a
// power cut; and after one that was not opened there is always one to be opened.
func TestOpenAuthority_powerCut(t *testing.T) {
	for name, fail := range map[string]error{
		"error":          syscall.EIO,
		"a part":         &lying.Short{N: 10, Err: syscall.ENOSPC},
		"fails for good": errFailsOn,
	} {
		t.Run(name, func(t *testing.T) {
			seed := uint64(0)
			steps(t, func(d *lying.Disk, _ lying.Op) error {
				if errors.Is(fail, errFailsOn) {
					d.Fail(func(lying.Op) error { return syscall.EIO })
					return syscall.EIO
				}
				return fail
			}, func(d *lying.Disk, dir string) {
				seed++
				rng := rand.New(rand.NewPCG(seed, 1))
				dir = filepath.Join(dir, "pki")
				a, err := openAuthority(d, dir, nil)
				d.Fail(nil)
				for _, after := range []string{left(t, d, nil), left(t, d, rng), dir} {
					again, openErr := reopened(t, after)
					if openErr != nil {
						t.Errorf("after %v: %v", err, openErr)
					} else if err == nil && again.Pin() != a.Pin() {
						t.Errorf("opened, and another one at the next start")
					}
				}
			})
		})
	}
}

var errFailsOn = errors.New("from here on")

// Wherever a process is killed, what it has left is completed.
func TestOpenAuthority_killed(t *testing.T) {
	seed := uint64(0)
	steps(t, func(d *lying.Disk, _ lying.Op) error {
		d.Kill()
		return nil
	}, func(d *lying.Disk, dir string) {
		seed++
		rng := rand.New(rand.NewPCG(seed, 2))
		dir = filepath.Join(dir, "pki")
		_, _ = openAuthority(d, dir, nil) // it is not heard of again
		d.Start()
		d.Fail(nil)
		for _, at := range []string{left(t, d, nil), left(t, d, rng), left(t, d, rng)} {
			if _, err := reopened(t, at); err != nil {
				t.Errorf("after a power cut: %v", err)
			}
		}
		a, err := openAuthority(d, dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := reopened(t, left(t, d, nil)); err != nil || again.Pin() != a.Pin() {
			t.Errorf("the second process's after a power cut: %v, want the same authority", err)
		}
	})
}

// A key whose folder could not be synced is not believed before it is.
func TestOpenAuthority_confirms(t *testing.T) {
	dir := t.TempDir()
	d := lying.New(dir)
	place := filepath.Join(dir, "pki")
	if err := d.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	_, text, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	// As a killed process leaves it: with its name, and not durable.
	if err := os.WriteFile(filepath.Join(place, lanKey), text, 0o600); err != nil {
		t.Fatal(err)
	}
	d.Fail(func(op lying.Op) error {
		if op.Kind == lying.SyncDir {
			return syscall.EIO
		}
		return nil
	})
	if _, err := openAuthority(d, place, nil); !errors.Is(err, syscall.EIO) {
		t.Errorf("the folder cannot be synced: got %v, want EIO", err)
	}
	d.Fail(nil)
	a, err := openAuthority(d, place, nil)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := reopened(t, left(t, d, nil)); err != nil || again.Pin() != a.Pin() {
		t.Errorf("after a power cut: %v, want the same authority", err)
	}
}

// On a full disk the authority works. What could not be written is written as soon as that is possible.
func TestAuthority_Serve_fullDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	full := false
	f := &fullDisk{FS: files.System, full: &full}
	a, err := openAuthority(f, dir, []string{"one"})
	if err != nil {
		t.Fatal(err)
	}
	old := a.Certificate()
	full = true
	if changed, err := a.Serve([]string{"two"}); !changed || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("full: got %v, %v, want a change and ENOSPC", changed, err)
	}
	used := a.Certificate()
	if used == old || used.Leaf.VerifyHostname("two") != nil {
		t.Error("full: the new certificate is not in use")
	}
	if changed, err := a.Serve([]string{"two"}); changed || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("still full: got %v, %v, want no change and ENOSPC", changed, err)
	}
	full = false
	if changed, err := a.Serve([]string{"two"}); changed || err != nil {
		t.Errorf("not full any more: got %v, %v", changed, err)
	}
	again, err := OpenAuthority(dir, []string{"two"})
	if err != nil || !again.Certificate().Leaf.Equal(used.Leaf) {
		t.Errorf("the next process: %v, want the certificate that was in use", err)
	}

	// What is gone is made anew in memory.
	for _, name := range []string{lanCert, lanServerKey} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	full = true
	b, err := openAuthority(f, dir, nil)
	if err != nil || b.Pin() != a.Pin() {
		t.Fatalf("opened while full: %v, want the same authority", err)
	}
	full = false
	if _, err := b.Serve(nil); err != nil {
		t.Error(err)
	}
	for _, name := range []string{lanCert, lanServerCert, lanServerKey} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

type fullDisk struct {
	files.FS
	full *bool
}

func (f *fullDisk) OpenFile(name string, flag int, perm fs.FileMode) (files.File, error) {
	if *f.full && flag&os.O_CREATE != 0 {
		return nil, syscall.ENOSPC
	}
	return f.FS.OpenFile(name, flag, perm)
}

// Of processes that start at the same time all have the same authority.
func TestOpenAuthority_atOnce(t *testing.T) {
	for range 5 {
		dir := filepath.Join(t.TempDir(), "pki")
		var pins [4]Sum
		var all sync.WaitGroup
		for i := range pins {
			all.Go(func() {
				a, err := OpenAuthority(dir, nil)
				if err != nil {
					t.Error(err)
					return
				}
				pins[i] = a.Pin()
			})
		}
		all.Wait()
		for _, p := range pins {
			if p != pins[0] {
				t.Errorf("got %v", pins)
			}
		}
	}
}

// Whatever step fails, a device's key that was made outlives a power cut, one that was not leaves nothing that cannot be
// used, and the next call makes one, or says that there is one, which is as durable.
func TestMakeDeviceKey_powerCut(t *testing.T) {
	for name, fail := range map[string]error{
		"error": syscall.EIO, "a part": &lying.Short{N: 10, Err: syscall.ENOSPC},
	} {
		t.Run(name, func(t *testing.T) {
			seed := uint64(0)
			steps(t, func(*lying.Disk, lying.Op) error { return fail }, func(d *lying.Disk, dir string) {
				seed++
				rng := rand.New(rand.NewPCG(seed, 1))
				path := filepath.Join(dir, "pki", "device.key")
				made, err := makeDeviceKey(d, path)
				d.Fail(nil)
				for _, at := range []string{left(t, d, nil), left(t, d, rng), left(t, d, rng)} {
					got, loadErr := LoadDeviceKey(filepath.Join(at, "device.key"))
					switch {
					case err == nil && (loadErr != nil || !got.Leaf.Equal(made.Leaf)):
						t.Errorf("made, and after a power cut: %v", loadErr)
					case loadErr != nil && !errors.Is(loadErr, fs.ErrNotExist):
						t.Errorf("after %v there is a part of a key: %v", err, loadErr)
					}
				}
				if _, err := makeDeviceKey(d, path); err != nil && !errors.Is(err, fs.ErrExist) {
					t.Errorf("again: %v", err)
				}
				there, err := LoadDeviceKey(path)
				if err != nil {
					t.Fatal(err)
				}
				got, err := LoadDeviceKey(filepath.Join(left(t, d, nil), "device.key"))
				if err != nil || !got.Leaf.Equal(there.Leaf) {
					t.Errorf("a key that is there is gone after a power cut: %v", err)
				}
			})
		})
	}
}
