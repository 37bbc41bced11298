package spool_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/agent/spool"
)

// A folder that goes away, or files in it, cost what is in them alone: what is in memory goes to a new one.
func TestSpool_folderGone(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(s *shelf) error{
		"removed":            func(s *shelf) error { return os.RemoveAll(s.cfg.Dir) },
		"moved away":         func(s *shelf) error { return os.Rename(s.cfg.Dir, s.cfg.Dir+".old") },
		"the file removed":   func(s *shelf) error { return os.Remove(filepath.Join(s.cfg.Dir, s.files()[0])) },
		"the file replaced":  func(s *shelf) error { return copyOver(filepath.Join(s.cfg.Dir, s.files()[0])) },
		"replaced by a copy": func(s *shelf) error { return copyFolder(s.cfg.Dir) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, s *shelf) {
				s.readFor(2 * time.Minute)
				before := s.all()
				s.readFor(2 * time.Minute)
				if err := harm(s); err != nil {
					t.Fatal(err)
				}
				s.readFor(time.Minute)
				if s.log.Count("removed or replaced") != 1 {
					t.Errorf("said:\n%s", s.log)
				}
				s.restart("b", true)
				if got := s.all(); len(got) == 0 || !cmp.Equal(got[0].report, before[0].report) {
					t.Errorf("got %+v, before %+v", got, before[0])
				}
				s.wantAll(1, s.n)
			})
		})
	}
}

// copyOver puts a copy in a file's place.
func copyOver(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// copyFolder puts a copy in a folder's place, as a backup that is put back.
func copyFolder(dir string) error {
	old := dir + ".old"
	if err := os.Rename(dir, old); err != nil {
		return err
	}
	return os.CopyFS(dir, os.DirFS(old))
}

// Files that are gone before they were read are told; those of another run that are found in the folder are taken.
func TestSpool_filesGone(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		s.backlog()
		if err := os.Rename(s.cfg.Dir, s.cfg.Dir+".old"); err != nil {
			t.Fatal(err)
		}
		s.readFor(time.Minute)
		if s.log.Count("are gone") != 1 {
			t.Errorf("said:\n%s", s.log)
		}
		have, _ := values(s.all())
		if len(have) == 0 || len(have) >= s.n || have[len(have)-1] != s.n {
			t.Errorf("got %v of %d", have, s.n)
		}
		if err := os.Rename(s.cfg.Dir, s.cfg.Dir+".new"); err != nil { // it was not mounted for a while
			t.Fatal(err)
		}
		if err := os.Rename(s.cfg.Dir+".old", s.cfg.Dir); err != nil {
			t.Fatal(err)
		}
		s.readFor(time.Minute)
		s.restart("b", false)
		all, _ := values(s.all())
		slices.Sort(all)
		if all = slices.Compact(all); len(all) != s.n {
			t.Errorf("got %d of %d: %v", len(all), s.n, all)
		}
	})
}

// A file that is gone when it is its turn is told, and the others go on.
func TestSpool_fileGone(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		names := s.backlog()
		s.restart("b", false)
		if err := os.Remove(filepath.Join(s.cfg.Dir, names[1])); err != nil {
			t.Fatal(err)
		}
		got := s.all()
		have, _ := values(got)
		if s.log.Count("are gone") != 1 || have[0] != 1 || have[len(have)-1] != s.n {
			t.Errorf("got %v, said:\n%s", have, s.log)
		}
		for _, h := range got {
			s.Ack(h.pos)
		}
		if got := s.files(); len(got) > 0 {
			t.Errorf("files %q", got)
		}
	})
}

// Who waits for the folder of another agent takes it, and what is in it, when that one ends, though nothing of its own
// waits.
func TestSpool_lockedAtTheStart(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(_ *testing.T, s *shelf) {
		s.readFor(5 * time.Minute)
		cfg := s.cfg
		cfg.Run = "b"
		second := spool.Open(cfg)
		s.Close()
		s.Spool = second
		time.Sleep(6 * time.Minute)
		s.wantAll(1, 20)
	})
}

// A folder that another agent took, since it bears the name now, is left alone: also the files that are called as ours.
func TestSpool_folderTaken(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		s.readFor(2 * time.Minute)
		if err := os.Rename(s.cfg.Dir, s.cfg.Dir+".old"); err != nil {
			t.Fatal(err)
		}
		cfg := s.cfg
		cfg.Run = "b"
		other := &shelf{Spool: spool.Open(cfg), t: t, cfg: cfg, log: s.log}
		defer func() { other.Close() }()
		other.readFor(2 * time.Minute)
		s.read() // and finds out
		s.wantAll(1, s.n)
		s.wantFiles("of the other", "000000000001.spool")
		other.wantAll(1, other.n)
	})
}
