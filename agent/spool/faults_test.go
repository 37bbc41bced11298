package spool_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/agent/spool"
	"piway/shared/files"
)

// on puts a file system in the place of the system's.
func on(f files.FS) func(*spool.Config) { return func(c *spool.Config) { c.FS = f } }

// inFiles returns the values in the files, a line each, in the order of the files.
func (s *shelf) inFiles() (values []string) {
	s.t.Helper()
	for _, name := range s.files() {
		text, err := os.ReadFile(filepath.Join(s.cfg.Dir, name))
		if err != nil {
			s.t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			_, line, _ = strings.Cut(line, `"samples":`)
			values = append(values, line)
		}
	}
	return values
}

// After an error of any call that writes, what is not acknowledged is in memory, under the numbers that it had, and
// goes to a new file when the disk works again: once, though the disk had a part of it.
func TestSpool_diskFails(t *testing.T) {
	t.Parallel()
	for op, err := range map[string]error{
		"write": syscall.ENOSPC, "sync": syscall.EIO, "close": syscall.EIO, "open": syscall.EMFILE,
		"rename": syscall.EROFS, "syncdir": syscall.EIO, "mkdir": syscall.EACCES,
	} {
		for _, early := range []bool{true, false} { // before anything is on the disk, or while a file is written
			t.Run(fmt.Sprintf("%s, early %v", op, early), func(t *testing.T) {
				f := new(faulty)
				inBubble(t, on(f), func(t *testing.T, s *shelf) {
					if !early {
						s.readFor(2 * time.Minute)
					}
					f.set(err, op)
					s.pad = 140 // so that more than one file is needed
					s.readFor(8 * time.Minute)
					before := s.all()
					if have, _ := values(before); len(have) != s.n {
						t.Errorf("%d readings wait of %d", len(have), s.n)
					}
					f.set(nil)
					s.readFor(6 * time.Minute)
					if n := s.log.Count("cannot be used"); n > 1 {
						t.Errorf("said %d times:\n%s", n, s.log)
					}
					if s.log.Count("cannot be used") != s.log.Count("can be used again") {
						t.Errorf("said:\n%s", s.log)
					}
					if n := len(s.inFiles()); n > s.n {
						t.Errorf("%d lines in files for %d readings", n, s.n)
					}
					s.restart("b", true)
					after := s.all()
					if diff := cmp.Diff(before, after[:len(before)], cmp.AllowUnexported(handed{}), ignorePositions); diff != "" {
						t.Errorf("handed out before and after: %.2000s", diff)
					}
					s.wantAll(1, s.n)
				})
			})
		}
	}
}

var ignorePositions = cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".pos" }, cmp.Ignore())

// A disk that fails for days costs what is beyond the bound of the memory; that is counted, and told once.
func TestSpool_diskFailsForDays(t *testing.T) {
	t.Parallel()
	f := new(faulty)
	inBubble(t, func(c *spool.Config) { c.FS, c.MaxReports = f, 100 }, func(t *testing.T, s *shelf) {
		s.readFor(time.Minute)
		f.set(syscall.EIO, "sync")
		for range 1000 {
			s.read()
			s.all() // each is handed out, so none is packed
			time.Sleep(15 * time.Second)
		}
		got := s.all()
		if have, _ := values(got); len(got) != 100 || have[len(have)-1] != s.n {
			t.Errorf("%d reports wait", len(got))
		}
		if s.Dropped() != int(got[0].report.Seq)-1 || s.log.Count("spool is full") != 1 ||
			s.log.Count("cannot be used") != 1 {
			t.Errorf("dropped %d, the first left is %d, said:\n%s", s.Dropped(), got[0].report.Seq, s.log)
		}
		if n := len(s.files()); n > 1 {
			t.Errorf("%d files", n)
		}
	})
}

// A file system that cannot sync folders is used; one that fails to is not trusted.
func TestSpool_noFolderSync(t *testing.T) {
	t.Parallel()
	for _, err := range []error{syscall.EINVAL, syscall.ENOTSUP, syscall.EIO} {
		f := new(faulty)
		f.set(err, "syncdir")
		inBubble(t, on(f), func(t *testing.T, s *shelf) {
			s.readFor(2 * time.Minute)
			if got, want := s.log.Count("cannot be used") == 0, err != syscall.EIO; got != want { //nolint:errorlint // as it was made
				t.Errorf("%v: used %t, want %t", err, got, want)
			}
		})
	}
}

// backlog leaves several files behind, and returns their names and how many readings each holds.
func (s *shelf) backlog() (names []string) {
	s.pad = 140
	s.readFor(20 * time.Minute)
	s.pad = 0
	if names = s.files(); len(names) < 3 {
		s.t.Fatalf("files %q", names)
	}
	return names
}

// A file that cannot be read for a while is tried again; meanwhile the others go on, and it comes behind them.
func TestSpool_unreadable(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"open", "read"} {
		t.Run(op, func(t *testing.T) {
			f := new(faulty)
			inBubble(t, on(f), func(t *testing.T, s *shelf) {
				names := s.backlog()
				s.restart("b", false)
				f.setFunc(func(asked, path string) error {
					if asked == op && strings.HasSuffix(path, names[1]) {
						return syscall.EIO
					}
					return nil
				})
				first := s.all()
				if s.log.Count("cannot be read") != 1 {
					t.Errorf("said:\n%s", s.log)
				}
				have, _ := values(first)
				if len(have) >= s.n || have[0] != 1 || have[len(have)-1] != s.n {
					t.Errorf("got %v of %d", have, s.n)
				}
				for _, h := range first {
					s.Ack(h.pos)
				}
				if err := s.Empty(t.Context()); err != nil {
					t.Error(err)
				}
				if got := s.files(); !slices.Equal(got, names[1:2]) {
					t.Errorf("files %q, want the one that cannot be read", got)
				}
				s.read() // online
				pos, r, err := s.Next(t.Context(), first[len(first)-1].pos)
				if err != nil || r.Run != "b" {
					t.Fatalf("got %+v, %v", r, err)
				}
				s.Ack(pos)
				time.Sleep(time.Hour)
				if s.log.Count("cannot be read") != 1 {
					t.Errorf("said:\n%s", s.log)
				}
				f.set(nil)
				var rest []int
				for len(rest)+len(have) < s.n-1 { // the same connection goes on
					next, r, err := s.Next(t.Context(), pos)
					if err != nil {
						t.Fatal(err)
					}
					for _, x := range r.Samples {
						if x.Name != padding {
							rest = append(rest, int(x.Value))
						}
					}
					pos = next
					s.Ack(pos)
				}
				if both := append(rest, have...); true {
					slices.Sort(both)
					for i, v := range both {
						if v != i+1 {
							t.Fatalf("got %v", both)
						}
					}
				}
				if got := s.files(); len(got) > 0 || s.log.Count("can be read again") != 1 {
					t.Errorf("files %q, said:\n%s", got, s.log)
				}
			})
		})
	}
}

// What an earlier process left may be in the kernel's memory only: the newest file is written anew at the start, and
// tried again where that fails.
func TestSpool_writtenAnew(t *testing.T) {
	t.Parallel()
	f := new(faulty)
	inBubble(t, on(f), func(t *testing.T, s *shelf) {
		s.readFor(2 * time.Minute)
		s.Close()
		path := filepath.Join(s.cfg.Dir, s.files()[0])
		look := func() os.FileInfo {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			return info
		}
		before, text := look(), s.inFiles()
		f.set(syscall.EROFS, "rename")
		s.restart("b", false)
		if !os.SameFile(before, look()) || s.log.Count("cannot be used") != 1 {
			t.Errorf("said:\n%s", s.log)
		}
		f.set(nil)
		time.Sleep(6 * time.Minute)
		if os.SameFile(before, look()) {
			t.Error("the file was not written anew")
		}
		if len(s.inFiles()) > len(text) {
			t.Errorf("got %q, before %q", s.inFiles(), text)
		}
		s.wantAll(1, s.n)
	})
}
