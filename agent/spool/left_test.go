package spool_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"piway/agent/spool"
)

// failFor has an operation fail for files whose name ends like that.
func (f *faulty) failFor(op, end string) {
	f.setFunc(func(asked, path string) error {
		if asked == op && strings.HasSuffix(path, end) {
			return syscall.EIO
		}
		return nil
	})
}

func (s *shelf) wantFiles(when string, want ...string) {
	s.t.Helper()
	if got := s.files(); !slices.Equal(got, want) {
		s.t.Errorf("%s: files %q, want %q; said:\n%s", when, got, want, s.log)
	}
}

// wait lets a failed disk be tried again, while no reading comes.
func wait() {
	time.Sleep(6 * time.Minute)
	synctest.Wait()
}

// A file that could not be removed is removed later, though no reading comes, nothing is acknowledged and another one
// cannot be removed either.
func TestSpool_removeFails(t *testing.T) {
	t.Parallel()
	f := new(faulty)
	inBubble(t, on(f), func(_ *testing.T, s *shelf) {
		names := s.backlog()
		f.set(syscall.EIO, "remove")
		s.wantAll(1, s.n)
		s.wantFiles("acknowledged", names...)
		f.failFor("remove", names[0])
		wait()
		s.wantFiles("one fails", names[0])
		f.set(nil)
		wait()
		s.wantFiles("none fails")
	})
}

// A file that could not be removed is tried again at the end: the next process would send what is in it.
func TestSpool_removeFailsUntilTheEnd(t *testing.T) {
	t.Parallel()
	f := new(faulty)
	inBubble(t, on(f), func(_ *testing.T, s *shelf) {
		s.backlog()
		f.set(syscall.EIO, "remove")
		s.wantAll(1, s.n)
		f.set(nil)
		s.restart("b", false)
		s.wantFiles("restarted")
		s.wantAll(s.n+1, s.n)
	})
}

// A file that was never finished, and could not be removed at the start, is removed later.
func TestSpool_unfinishedStays(t *testing.T) {
	t.Parallel()
	f := new(faulty)
	inBubble(t, on(f), func(t *testing.T, s *shelf) {
		s.readFor(2 * time.Minute)
		s.Close()
		const torn = "000000000007.spool.tmp"
		if err := os.WriteFile(filepath.Join(s.cfg.Dir, torn), []byte("torn"), 0o600); err != nil {
			t.Fatal(err)
		}
		f.failFor("remove", torn)
		s.restart("b", false)
		s.wantAll(1, s.n)
		s.wantFiles("started", torn)
		f.set(nil)
		wait()
		s.wantFiles("none fails")
	})
}

// A file of which nothing can be read goes when it is its turn, though nothing of it can be acknowledged.
func TestSpool_nothingInAFile(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		s.backlog()
		s.Close()
		for _, name := range s.files() {
			if err := os.WriteFile(filepath.Join(s.cfg.Dir, name), []byte("torn"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.Spool = spool.Open(s.cfg)
		synctest.Wait()
		s.wantAll(s.n+1, s.n)
		s.wantFiles("read")
	})
}

// Who waits is given a file that could not be read for a while, though no reading comes.
func TestSpool_unreadableForAWhile(t *testing.T) {
	t.Parallel()
	f := new(faulty)
	inBubble(t, on(f), func(t *testing.T, s *shelf) {
		names := s.backlog()
		s.restart("b", false)
		synctest.Wait()
		f.failFor("open", names[0])
		got := s.all()
		if have, _ := values(got); len(have) == 0 || have[0] == 1 {
			t.Fatalf("got %v", have)
		}
		for _, h := range got {
			s.Ack(h.pos)
		}
		f.set(nil)
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
		defer cancel()
		if _, r, err := s.Next(ctx, got[len(got)-1].pos); err != nil || r.Seq != 1 {
			t.Errorf("got report %d, %v; said:\n%s", r.Seq, err, s.log)
		}
	})
}
