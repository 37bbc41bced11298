package notify_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"piway/agent/collect/notify"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// A waiter runs Files and hands each look at the first file on.
type waiter struct {
	t     *testing.T
	looks chan string // what was read, or "!" and why not
	ended chan error
	stop  context.CancelFunc
}

func wait(t *testing.T, paths ...string) *waiter {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &waiter{t: t, looks: make(chan string, 1000), ended: make(chan error, 1), stop: cancel}
	go func() {
		w.ended <- notify.Files(ctx, paths, func(read func(string) (string, error)) {
			text, err := read(paths[0])
			if err != nil {
				text = "!" + err.Error()
			}
			w.looks <- strings.TrimSpace(text)
		})
	}()
	t.Cleanup(func() { cancel(); _ = w.end() })
	return w
}

// until waits until the content is seen, and returns after how many looks.
func (w *waiter) until(want string) (looks int) {
	w.t.Helper()
	timeout := time.After(patience)
	for last := ""; ; looks++ {
		select {
		case last = <-w.looks:
			if last == want || want == "!" && strings.HasPrefix(last, want) {
				return looks + 1
			}
		case err := <-w.ended:
			w.t.Fatalf("ended with %v, want %q; seen last: %q", err, want, last)
		case <-timeout:
			w.t.Fatalf("never saw %q; seen last: %q", want, last)
		}
	}
}

// end waits until Files has returned.
func (w *waiter) end() error {
	w.t.Helper()
	select {
	case err := <-w.ended:
		w.ended <- err
		return err
	case <-time.After(patience):
		w.t.Error("does not end")
		return nil
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFiles_sees_every_way_in_which_a_file_changes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a [folder] *") // no pattern
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path, other := filepath.Join(dir, "alarm"), filepath.Join(t.TempDir(), "other")
	write(t, path, "0\n")
	w := wait(t, path)
	w.until("0")

	write(t, path, "1\n")
	w.until("1")

	held, err := os.OpenFile(path, os.O_RDWR, 0) // a writer that keeps the file open
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close() }()
	if _, err := held.WriteAt([]byte("2"), 0); err != nil {
		t.Fatal(err)
	}
	w.until("2")

	write(t, other, "3\n")
	w.quiet() // what was seen so far must not be what sees the next change
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	w.until("3")
	write(t, path, "4\n") // the new one is watched too
	w.until("4")

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	w.until("!")
	write(t, path, "5\n")
	w.until("5")

	link := filepath.Join(t.TempDir(), "elsewhere") // as under a bind mount: written through another folder
	if err := os.Link(path, link); err != nil {
		t.Fatal(err)
	}
	w.quiet()
	write(t, link, "6\n")
	w.until("6")

	w.stop()
	if err := w.end(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// Each look is a time of being woken: without changes there is one, at the start.
func TestFiles_sleeps_while_nothing_changes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "alarm")
	write(t, path, "0")
	w := wait(t, path, "/proc/self/mounts")
	w.until("0")
	for i := range 5 {
		text := strconv.Itoa(i + 1)
		write(t, path+".new", text)
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		// The new name is created, written, closed, moved from and moved to: mostly all within one rest.
		if looks := w.until(text); looks > 6 {
			t.Errorf("change %d: woken %d times", i, looks)
		}
	}
	w.quiet()
}

// quiet fails the test if there is a look that nothing has caused.
func (w *waiter) quiet() {
	w.t.Helper()
	for late := 0; ; late++ {
		select {
		case <-w.looks:
			if late >= 6 { // a slow writer's last steps
				w.t.Fatal("woken without a reason")
			}
		case <-time.After(300 * time.Millisecond):
			return
		}
	}
}

func TestFiles_a_file_that_flaps_wakes_a_hundred_times_a_second_at_most(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "alarm")
	write(t, path, "0\n")
	looks := make(chan time.Time, 1000)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			_ = os.WriteFile(path, []byte(strconv.Itoa(i&1)+"\n"), 0o600)
		}
	}()
	start := time.Now()
	err := notify.Files(ctx, []string{path}, func(func(string) (string, error)) { looks <- time.Now() })
	most := int(time.Since(start)/(10*time.Millisecond)) + 2
	if n := len(looks); n > most || n < 2 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %d looks, %v; want 2 to %d", n, err, most)
	}
}

func TestFiles_what_cannot_be_watched_ends_it(t *testing.T) {
	t.Parallel()
	w := wait(t, filepath.Join(t.TempDir(), "gone", "alarm"))
	if err := w.end(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such folder: got %v", err)
	}

	dir := filepath.Join(t.TempDir(), "chip")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "alarm")
	write(t, path, "0\n")
	w = wait(t, path)
	w.until("0")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := w.end(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the folder went: got %v", err)
	}
}

func TestReadFile_never_waits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, dir, "/dev/null", filepath.Join(dir, "none")} {
		if text, err := notify.ReadFile(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %q, %v, want an error with its name", path, text, err)
		}
	}
	long := filepath.Join(dir, "long")
	write(t, long, strings.Repeat("x", 10000))
	if text, err := notify.ReadFile(long); len(text) != 4096 || err != nil {
		t.Errorf("got %d bytes, %v", len(text), err)
	}
}
