package seen_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"piway/gateway/queue/seen"
	"piway/gateway/queue/store"
	"piway/shared/files"
)

// An instant is a time by a clock, whether that is known to be right, and the monotonic clock.
type instant struct {
	wall  time.Time
	right bool
	mono  time.Duration
}

// What was seen is forgotten 14 days after it was heard, by a clock that is right, and not before 14 days of this
// process.
func TestSeen_forgotten(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(after time.Duration, right bool, off time.Duration) instant {
		return instant{start.Add(after + off), right, time.Hour + after}
	}
	for name, c := range map[string]struct {
		heard instant
		then  []instant
		want  bool // to be forgotten in the end
	}{
		"in time":                          {at(0, true, 0), []instant{at(14*day, true, 0)}, false},
		"after 14 days":                    {at(0, true, 0), []instant{at(15*day, true, 0)}, true},
		"a clock that is not right":        {at(0, true, 0), []instant{at(15*day, false, 0)}, false},
		"a step by weeks":                  {at(0, true, 0), []instant{at(time.Minute, true, 30*day)}, false},
		"heard by a clock that was behind": {at(0, false, -20*day), []instant{at(time.Minute, true, 0)}, false},
		"which was right 15 days ago": {
			at(0, false, -20*day),
			[]instant{at(time.Minute, true, 0), at(15*day+time.Hour, true, 0)},
			true,
		},
		"heard by a clock that was ahead": {at(0, true, 400*day), []instant{at(day, true, 0), at(16*day, true, 0)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := newConn(t)
			s, err := seen.Load(t.Context(), conn)
			if err != nil {
				t.Fatal(err)
			}
			unix := c.heard.wall.Unix()
			if !c.heard.right {
				unix = 0
			}
			s.Add("kitchen", "r", 2, unix, c.heard.mono)
			missing := int64(0)
			for _, now := range c.then {
				if !now.right {
					now.wall = time.Time{}
				}
				if err := s.Flush(t.Context(), conn, now.wall, now.mono, func(_ string, n int64) { missing += n }); err != nil {
					t.Fatal(err)
				}
			}
			if got := !s.Has("kitchen", "r", 2); got != c.want || got != (missing == 1) {
				t.Errorf("forgotten %v, %d reports missing, want %v", got, missing, c.want)
			}
			if s, err = seen.Load(t.Context(), conn); err != nil || s.Has("kitchen", "r", 2) == c.want {
				t.Errorf("%v: it is on the disk: %v", err, c.want)
			}
		})
	}
}

// A device with more runs than are kept costs itself the oldest, at once and not only when they are written, and what
// never came of those is counted. Others lose nothing.
func TestSeen_bounded(t *testing.T) {
	t.Parallel()
	conn := newConn(t)
	s, err := seen.Load(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	add := func(device, run string, seq int64, mono int) {
		total += s.Add(device, run, seq, 1, time.Duration(mono))
	}
	flush := func() {
		if err := s.Flush(t.Context(), conn, time.Time{}, 0, func(_ string, n int64) { total += n }); err != nil {
			t.Fatal(err)
		}
	}
	const bound, more = 512, 100
	add("attic", "a", 1, 1)
	for i := range bound {
		add("kitchen", fmt.Sprint(i), 2, 2+i) // 1 is missing
	}
	flush()
	add("kitchen", "0", 3, 1000) // which makes it the newest
	for i := range more {
		add("kitchen", fmt.Sprint("new", i), 1<<53-1, 1001+i)
	}
	if total != more {
		t.Errorf("%d missing before they are written, want %d", total, more)
	}
	add("kitchen", "1", 2, 2000) // forgotten, and here again
	total = 0
	flush()
	for _, when := range []string{"in memory", "on disk"} {
		for run, want := range map[string]bool{
			"0": true, "1": true, "2": false, "100": false, "101": false, "102": true, "new99": true,
		} {
			if got := s.Has("kitchen", run, 2) || s.Has("kitchen", run, 1<<53-1); got != want {
				t.Errorf("%s: has run %s: %t, want %t", when, run, got, want)
			}
		}
		if !s.Has("attic", "a", 1) || total != 0 {
			t.Errorf("%s: the other's run is gone, or %d missing are counted again", when, total)
		}
		if s, err = seen.Load(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
	}
	rows := 0
	row := conn.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM seen WHERE device='kitchen'")
	if err := row.Scan(&rows); err != nil || rows != bound {
		t.Errorf("%d runs on disk, %v, want %d", rows, err, bound)
	}
}

// What a report costs does not grow with its device's runs, nor with others'.
func BenchmarkSeen_Add_manyRuns(b *testing.B) {
	s, err := seen.Load(b.Context(), newConn(b))
	if err != nil {
		b.Fatal(err)
	}
	for d := range 200 {
		for i := range 512 {
			s.Add(fmt.Sprint("pi", d), fmt.Sprint(i), 1, 1, 1)
		}
	}
	i := 0
	for b.Loop() {
		i++
		s.Add("pi1", fmt.Sprint("new", i), 1, 1, 1)
	}
}

// newConn is the writing connection of an empty store.
func newConn(t testing.TB) *store.Conn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "queue.db")
	db, err := store.Open(t.Context(), &store.Options{Path: path, MaxBytes: 1 << 20, Files: files.System})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := store.NewConn(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}
