package seen_test

import (
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
		"which was right 15 days ago":      {at(0, false, -20*day), []instant{at(time.Minute, true, 0), at(15*day+time.Hour, true, 0)}, true},
		"heard by a clock that was ahead":  {at(0, true, 400*day), []instant{at(day, true, 0), at(16*day, true, 0)}, true},
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

// newConn is the writing connection of an empty store.
func newConn(t *testing.T) *store.Conn {
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
