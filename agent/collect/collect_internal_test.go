package collect

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"piway/agent/collect/hosttest"
	"piway/agent/collect/reading"
)

func TestCollector_a_panic_or_a_NaN_costs_no_other(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	c.add("panics", "None", func(context.Context) (float64, error) { panic("broken driver") })
	c.add("nan", "None", func(context.Context) (float64, error) { return math.NaN(), nil })
	c.add("infinite", "None", func(context.Context) (float64, error) { return math.Inf(1), nil })
	c.add("good", "None", func(context.Context) (float64, error) { return 1.234567, nil })
	got, _ := c.Collect(t.Context())
	if len(got) != 1 || got[0].Name != "good" || got[0].Value != 1.23 {
		t.Errorf("got %v, want good 1.23", got)
	}
}

func TestCollector_a_hanging_sensor_costs_no_other(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var begun atomic.Int32
		c := New(Options{})
		c.add("hangs", "None", func(context.Context) (float64, error) { begun.Add(1); <-release; return 1, nil })
		c.add("good", "None", func(context.Context) (float64, error) { return 2, nil })
		for range 3 {
			r := c.Read(t.Context())
			if !errors.Is(r[0].Err, reading.ErrHangs) || r[1].Err != nil {
				t.Fatalf("got %v", r)
			}
		}
		if begun.Load() != 1 {
			t.Errorf("begun %d times, want once while it hangs", begun.Load())
		}
		close(release)
		synctest.Wait()
		if r := c.Read(t.Context()); r[0].Err != nil {
			t.Errorf("after it came back: got %v", r[0].Err)
		}
	})
}

func FuzzMachine(f *testing.F) {
	for _, s := range []string{"5021.70 18000.00\n", "", "-1", "1e999", "NaN x", "0f8e1c1e-6a5e-4a8e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if v := uptime(text); v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("uptime of %q: %v", text, v)
		}
		if id := bootID(text); len(id) > 64 {
			t.Errorf("boot id of %q: %q", text, id)
		}
	})
}

func TestCollector_gives_no_minus_zero(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	c.add("little", "None", func(context.Context) (float64, error) { return -0.001, nil })
	got, _ := c.Collect(t.Context())
	if len(got) != 1 || got[0].Value != 0 || math.Signbit(got[0].Value) {
		t.Errorf("got %v, want 0", got)
	}
}

// What a disk's figure is of, and where one was mounted before, is known to the next run too.
func TestCollector_disks_are_remembered_and_remarked_on(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	usb, link, table := filepath.Join(dir, "usb"), filepath.Join(dir, "link"), filepath.Join(dir, "proc/self/mountinfo")
	if err := errors.Join(os.Mkdir(usb, 0o700), os.Symlink(usb, link)); err != nil {
		t.Fatal(err)
	}
	const root = "20 1 179:2 / / rw - ext4 /dev/mmcblk0p2 rw\n"
	read := func() Reading {
		c := New(Options{Disks: []string{link}, State: filepath.Join(dir, "state")})
		return c.Read(hosttest.On(t.Context(), dir))[0]
	}
	hosttest.Write(t, table, root+"30 20 0:40 / "+usb+" rw - ext4 /dev/sda1 rw\n")
	if r := read(); r.Err != nil || r.Remark != link+" leads to "+usb {
		t.Errorf("got %+v, want a figure and of what it is", r)
	}
	hosttest.Write(t, table, root)
	if r := read(); r.Err == nil || !strings.Contains(r.Err.Error(), "it was before") {
		t.Errorf("unplugged: got %+v, want no figure", r)
	}
}
