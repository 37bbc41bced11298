package spool_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/agent/spool"
	"piway/shared/sample"
)

// While the gateway answers nothing is written, not even the folder is made, and each reading is a report at once.
func TestSpool_online(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		var pos uint64
		for i := range 1000 {
			s.read()
			next, r, err := s.Next(t.Context(), pos)
			if err != nil || r.Seq != int64(i+1) || len(r.Samples) != 1 || r.Run != "a" {
				t.Fatalf("reading %d: got %+v, %v", i+1, r, err)
			}
			pos = next
			time.Sleep(15 * time.Second)
			s.Ack(pos)
		}
		if err := s.Empty(t.Context()); err != nil {
			t.Error(err)
		}
		if left := s.Close(); left != (spool.Left{}) {
			t.Errorf("left %+v", left)
		}
		if _, err := os.Stat(s.cfg.Dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the folder was made: %v", err)
		}
	})
}

// A backlog goes to the disk, is packed into few reports in order, and its files go when it is delivered.
func TestSpool_backlog(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		s.readFor(after - 15*time.Second)
		if got := s.files(); got != nil {
			t.Errorf("files before the time: %q", got)
		}
		s.readFor(6*time.Hour - after + 15*time.Second)
		if got := s.files(); len(got) != 1 {
			t.Errorf("files: %q", got)
		}
		if names := s.wantAll(1, 6*60*4); len(names) > 6*60*4/400 {
			t.Errorf("got %d reports for %d readings", len(names), 6*60*4)
		}
		if got := s.files(); got != nil {
			t.Errorf("files when all is delivered: %q", got)
		}
		if got := s.log.Count("level="); got != 2 {
			t.Errorf("said:\n%s", s.log)
		}
		s.read() // online again
		s.wantAll(6*60*4+1, 6*60*4+1)
	})
}

// What was handed out is the same after any restart; what was not goes on being packed. Nothing is lost or renumbered.
func TestSpool_restart(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed %v", killed), func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, s *shelf) {
				s.readFor(5 * time.Minute)
				before := s.all()
				s.readFor(5 * time.Minute)
				s.restart("b", killed)
				s.readFor(time.Minute)
				got := s.all()
				if diff := cmp.Diff(before[0].report, got[0].report); diff != "" {
					t.Errorf("handed out before and after (-before +after):\n%s", diff)
				}
				if _, names := values(got); !slices.Equal(names, []string{"a1", "a2", "b1"}) {
					t.Errorf("got reports %q", names)
				}
				s.wantAll(1, 44)
				s.restart("c", false)
				if rest := s.all(); len(rest) > 0 {
					t.Errorf("acknowledged, and there again: %d", len(rest))
				}
			})
		})
	}
}

// A start with a backlog is no outage: the gateway gets its time to answer before new readings go to the disk.
func TestSpool_restartOnline(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		s.readFor(5 * time.Minute)
		s.restart("b", false)
		before := s.files()
		s.read()
		if got := s.files(); !slices.Equal(got, before) {
			t.Errorf("files %q, before the reading %q", got, before)
		}
		s.wantAll(1, 21)
	})
}

// That an old backlog is being acknowledged does not keep new readings in memory for longer than they may be there: a
// kill in a slow drain costs no more than one in an outage.
func TestSpool_killedDuringADrain(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		for range 20 {
			s.read()
			s.all() // each is a report of its own
			time.Sleep(15 * time.Second)
		}
		s.restart("b", false)
		var pos uint64
		for range 10 {
			next, _, err := s.Next(t.Context(), pos)
			if err != nil {
				t.Fatal(err)
			}
			s.Ack(next)
			pos = next
			s.read()
			time.Sleep(15 * time.Second)
		}
		s.restart("c", true)
		have, _ := values(s.all())
		if last := have[len(have)-1]; last < s.n-2 {
			t.Errorf("the newest reading left is %d of %d, want at most two lost, of the last %s", last, s.n, after)
		}
	})
}

// At the end what waits goes to the disk at once.
func TestSpool_Close(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		s.read()
		s.all()
		s.read()
		s.restart("b", false)
		if names := s.wantAll(1, 2); !slices.Equal(names, []string{"a1", "a2"}) {
			t.Errorf("got reports %q", names)
		}
	})
}

// A report's readings are of one boot and one clock, which date each other.
func TestSpool_clock(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		add := func(boot string, uptime, at float64, clock string) {
			s.Add(sample.Report{
				Boot: boot, Uptime: uptime, Clock: clock,
				Samples: []sample.Sample{{Name: "n", Unit: "None", Time: at}},
			})
		}
		add("b", 20, 20, sample.Unsynced)
		add("b", 35, 35, sample.Unsynced)
		add("b", 50, 1.7e9, sample.Unsynced) // set
		add("b", 65, 1.7e9+15, sample.Synced)
		add("b", 80, 1.7e9+30-3600, sample.Synced) // back an hour
		add("c", 20, 1.7e9+45-3600, sample.Synced)
		var uptimes []float64
		for _, h := range s.all() {
			uptimes = append(uptimes, h.report.Uptime)
			s.Ack(h.pos)
		}
		if !slices.Equal(uptimes, []float64{35, 50, 65, 80, 20}) {
			t.Errorf("got reports whose newest samples are of uptimes %v", uptimes)
		}
	})
}

func TestSpool_full(t *testing.T) {
	t.Parallel()
	inBubble(t, func(c *spool.Config) { c.MaxBytes = 3 << 20 }, func(t *testing.T, s *shelf) {
		s.pad = 14
		s.readFor(6 * time.Hour)
		got := s.all()
		have, _ := values(got)
		if have[0] == 1 || have[len(have)-1] != s.n || !slices.IsSorted(have) || have[len(have)-1]-have[0] != len(have)-1 {
			t.Errorf("got %d readings, %d to %d of %d, want the newest without a gap", len(have), have[0], have[len(have)-1],
				s.n)
		}
		first := got[0].report.Seq
		if int64(s.Dropped()) != first-1 {
			t.Errorf("%d dropped are counted, the first report left is %d", s.Dropped(), first)
		}
		if s.log.Count("spool is full") != 1 {
			t.Errorf("said:\n%s", s.log)
		}
		for _, h := range got {
			s.Ack(h.pos)
		}
		if s.log.Count("has room again") != 1 || len(s.files()) > 0 {
			t.Errorf("files %q, said:\n%s", s.files(), s.log)
		}
	})
}

// What is too old goes, by a clock that is right only.
func TestSpool_tooOld(t *testing.T) {
	t.Parallel()
	right := false
	inBubble(t, func(c *spool.Config) { c.MaxAge, c.ClockRight = time.Hour, func() bool { return right } },
		func(t *testing.T, s *shelf) {
			time.Sleep(time.Until(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))) // the bubble's clock shows 2000 first
			s.pad = 14
			s.readFor(6 * time.Hour)
			if s.Dropped() > 0 {
				t.Errorf("dropped %d by a clock that is not right", s.Dropped())
			}
			right = true
			s.readFor(time.Minute)
			have, _ := values(s.all())
			if s.Dropped() == 0 || have[0] == 1 || have[len(have)-1] != s.n {
				t.Errorf("dropped %d, left %d to %d of %d", s.Dropped(), have[0], have[len(have)-1], s.n)
			}
		})
}

// A folder that cannot be used costs nothing but the disk: that is said once, and tried again.
func TestSpool_noDisk(t *testing.T) {
	t.Parallel()
	inBubble(t, func(c *spool.Config) { c.MaxReports = 5 }, func(t *testing.T, s *shelf) {
		if err := os.WriteFile(s.cfg.Dir, nil, 0o600); err != nil { // a file in its place
			t.Fatal(err)
		}
		for range 200 {
			s.read()
			s.all() // each is handed out, so none is packed
			time.Sleep(15 * time.Second)
		}
		if s.log.Count("cannot be used") != 1 || s.Dropped() != 195 {
			t.Errorf("dropped %d, said:\n%s", s.Dropped(), s.log)
		}
		if err := os.Remove(s.cfg.Dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		s.readFor(time.Minute)
		if s.log.Count("can be used again") != 1 || len(s.files()) != 1 {
			t.Errorf("files %q, said:\n%s", s.files(), s.log)
		}
		s.restart("b", true)
		s.wantAll(196, 204)
	})
}

// Two agents do not share a folder.
func TestSpool_locked(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		s.readFor(5 * time.Minute)
		second := spool.Open(s.cfg)
		defer second.Close()
		if s.log.Count("another piway-agent uses it") != 1 || second.Taken() == nil || s.Taken() != nil {
			t.Errorf("got %v and %v, said:\n%s", s.Taken(), second.Taken(), s.log)
		}
		s.wantAll(1, 20)
	})
}

// What stays on the LAN is neither handed out nor on the disk: the files hold 13 days of what goes to the cloud.
func TestSpool_keepsNothingLocal(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		one := []sample.Sample{{Name: "n", Unit: "None", Value: 1, Time: 1}}
		s.Add(sample.Report{
			Device: "pi", Samples: one, Local: []sample.Sample{{Name: "load", Unit: "None", Value: 1, Time: 1}},
			Attributes: map[string]string{"model": "Pi"},
		})
		if _, r, err := s.Next(t.Context(), 0); err != nil || len(r.Samples) != 1 || r.Local != nil || r.Attributes != nil {
			t.Errorf("got %+v, %v", r, err)
		}
		s.readFor(2 * after)
		files := s.files()
		if len(files) == 0 {
			t.Fatal("nothing is on the disk")
		}
		for _, name := range files {
			text, err := os.ReadFile(filepath.Join(s.cfg.Dir, name))
			if err != nil || strings.Contains(string(text), "load") || strings.Contains(string(text), "model") {
				t.Errorf("%s: %v\n%s", name, err, text)
			}
		}
	})
}
