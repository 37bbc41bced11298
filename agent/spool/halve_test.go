package spool_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/agent/spool"
	"piway/shared/sample"
)

func samples(n int) sample.Limits { return sample.Limits{Samples: n, Bytes: sample.ReportBytes} }

// next hands out one report, of which there must be one.
func (s *shelf) next(after uint64) handed {
	s.t.Helper()
	pos, r, err := s.Next(s.t.Context(), after)
	if err != nil {
		s.t.Fatal(err)
	}
	return handed{pos, r}
}

// A report that is taken apart comes next, in order and under new numbers; then the row goes on where it was.
func TestSpool_Split(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"memory", "file", "older file"} {
		inBubble(t, func(c *spool.Config) {
			if where == "memory" {
				c.Dir = ""
			}
		}, func(t *testing.T, s *shelf) {
			s.readFor(5 * time.Minute)
			a := s.next(0)
			s.readFor(5 * time.Minute)
			if where == "older file" {
				s.restart("b", true)
				a = s.next(0)
			}
			b := s.next(a.pos)
			s.read()
			c := s.next(b.pos)
			if !s.Split(a.pos, samples(7)) {
				t.Fatal("not split")
			}
			var parts []handed
			for after := c.pos; len(parts) < 3; after = parts[len(parts)-1].pos {
				parts = append(parts, s.next(after))
			}
			s.read()
			d := s.next(parts[2].pos) // the row goes on
			got, names := values(append(parts, d))
			var want []int
			for v := 1; v <= 20; v++ {
				want = append(want, v)
			}
			if diff := cmp.Diff(append(want, s.n), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", where, diff)
			}
			seen := map[string]bool{fmt.Sprint(a.report.Run, a.report.Seq): true}
			for _, name := range names {
				if seen[name] {
					t.Errorf("%s: two reports are %s", where, name)
				}
				seen[name] = true
			}
			for _, p := range parts {
				newest := p.report.Samples[len(p.report.Samples)-1].Time
				if off := newest - 9e8 - p.report.Uptime; off > 0.01 || off < -0.01 {
					t.Errorf("%s: the uptime of part %d is off by %f s", where, p.report.Seq, off)
				}
			}
			for _, h := range append(parts, b, c, d) {
				s.Ack(h.pos)
			}
			if rest := s.all(); len(rest) > 0 || len(s.files()) > 0 {
				t.Errorf("%s: %d reports and %q are left", where, len(rest), s.files())
			}
		})
	}
}

// What was taken apart stays so: a process that is killed then finds the parts, and the whole nowhere.
func TestSpool_Split_outlivesAKill(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		s.readFor(5 * time.Minute)
		a := s.next(0)
		s.Split(a.pos, samples(7))
		first := s.next(a.pos)
		s.restart("b", true)
		got := s.all()
		if diff := cmp.Diff(first.report, got[0].report); diff != "" {
			t.Errorf("the first part before and after (-before +after):\n%s", diff)
		}
		if have, names := values(got); len(have) != 20 || len(names) != 3 || names[0] != "a2" {
			t.Errorf("got %v of %v", have, names)
		}
	})
}

func TestSpool_Split_cannotBeSmaller(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		s.read()
		a := s.next(0)
		if s.Split(a.pos, samples(1)) {
			t.Error("one sample was split")
		}
		if again := s.next(0); again.pos != a.pos {
			t.Errorf("it is gone: %+v", again)
		}
		s.Ack(a.pos)
		if !s.Split(a.pos, samples(1)) {
			t.Error("what is gone is no mistake")
		}
	})
}

// A smaller limit holds for what is packed and was not handed out, without gaps in the numbers, after a restart too;
// and readings that are larger are taken apart.
func TestSpool_Limit(t *testing.T) {
	t.Parallel()
	for _, dir := range []bool{false, true} {
		inBubble(t, func(c *spool.Config) {
			if !dir {
				c.Dir = ""
			}
		}, func(t *testing.T, s *shelf) {
			s.readFor(10 * time.Minute)
			before := s.next(0)
			s.readFor(10 * time.Minute)
			s.Limit(samples(16))
			got := []handed{s.next(0), s.next(before.pos)}
			if diff := cmp.Diff(before.report, got[0].report); diff != "" {
				t.Errorf("what was handed out has changed:\n%s", diff)
			}
			if dir {
				s.restart("b", true)
			}
			got = s.all()
			if _, names := values(got); fmt.Sprint(names) != "[a1 a2 a3 a4]" || len(got[1].report.Samples) != 16 {
				t.Errorf("got %v, the second of %d", names, len(got[1].report.Samples))
			}
			s.Limit(samples(16))
			s.Add(sample.Report{Samples: make([]sample.Sample, 40)})
			for after := got[3].pos; ; {
				h := s.next(after)
				if after = h.pos; len(h.report.Samples) < 16 {
					break
				}
				if len(h.report.Samples) > 16 {
					t.Errorf("a reading is handed out whole, %d samples", len(h.report.Samples))
				}
			}
		})
	}
}

// No report is larger than it may be, whatever the readings are.
func TestSpool_bytes(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		s.pad, s.named = 1, `"disk usage /\ and more of it"`
		s.readFor(5 * time.Hour)
		for _, h := range s.all() {
			if text, err := h.report.JSON(); err != nil || len(text) > sample.ReportBytes {
				t.Errorf("a report of %d samples takes %d bytes, %v", len(h.report.Samples), len(text), err)
			}
		}
	})
}

// A gateway, as far as it matters here: it refuses by size, and what it has seen is a duplicate.
type model struct {
	bound  int
	seen   map[string]bool
	stored map[int]int // how often a reading was stored
}

func (m *model) take(r sample.Report) (refused bool) {
	name := fmt.Sprint(r.Run, " ", r.Seq)
	fresh := !m.seen[name]
	m.seen[name] = true
	if len(r.Samples) > m.bound {
		return true
	}
	if fresh {
		for _, s := range r.Samples {
			m.stored[int(s.Value)]++
		}
	}
	return false
}

// Readings, refusals, lost connections, told limits and restarts in any order: each reading is stored once.
func TestSpool_anyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		inBubble(t, func(c *spool.Config) { c.After = time.Minute }, func(t *testing.T, s *shelf) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			m := &model{bound: 2 + rnd.IntN(20), seen: map[string]bool{}, stored: map[int]int{}}
			s.cfg.MaxReports = 100_000
			s.Close()
			s.Spool = spool.Open(s.cfg)
			for run := range 3 {
				for range 5 {
					s.readFor(time.Duration(rnd.IntN(20)) * time.Minute)
					if rnd.IntN(4) == 0 {
						s.Limit(samples(m.bound))
					}
					s.deliver(m, rnd)
				}
				s.readFor(2 * time.Minute) // so that all is in files
				s.restart(fmt.Sprint("run", run), rnd.IntN(2) == 0)
			}
			for _, n := 0, 0; s.deliver(m, nil); n++ {
				if n > 10_000 {
					t.Fatal("it does not end")
				}
			}
			for v := 1; v <= s.n; v++ {
				if m.stored[v] != 1 {
					t.Fatalf("seed %d: reading %d of %d was stored %d times", seed, v, s.n, m.stored[v])
				}
			}
		})
	}
}

// deliver is one connection, with a window; it is lost somewhere, unless rnd is nil. It returns false if nothing
// waited.
func (s *shelf) deliver(m *model, rnd *rand.Rand) (some bool) {
	type flight struct {
		handed
		refused bool
	}
	var window []flight
	settle := func() {
		f := window[0]
		window = window[1:]
		if !f.refused {
			s.Ack(f.pos)
		} else if !s.Split(f.pos, samples((len(f.report.Samples)+1)/2)) {
			s.t.Fatalf("%d samples cannot be split", len(f.report.Samples))
		}
	}
	inFlight := map[string]bool{}
	for after := uint64(0); ; {
		h, ok := s.tryNext(after)
		if !ok {
			if len(window) == 0 {
				return some
			}
			settle()
			continue
		}
		name := fmt.Sprint(h.report.Run, " ", h.report.Seq)
		if inFlight[name] {
			s.t.Fatalf("%s was handed out twice on one connection", name)
		}
		inFlight[name] = true
		some, after = true, h.pos
		window = append(window, flight{h, m.take(h.report)})
		if len(window) == 16 || rnd != nil && rnd.IntN(3) == 0 {
			settle()
		}
		if rnd != nil && rnd.IntN(40) == 0 {
			return true
		}
	}
}

// tryNext is Next, if there is one.
func (s *shelf) tryNext(after uint64) (handed, bool) {
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	synctestIdle(cancel)
	pos, r, err := s.Next(ctx, after)
	return handed{pos, r}, err == nil
}

// synctestIdle calls f when nothing in the bubble can go on.
func synctestIdle(f func()) { time.AfterFunc(time.Nanosecond, f) }
