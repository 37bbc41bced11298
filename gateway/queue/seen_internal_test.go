package queue

import (
	"testing"
	"time"
)

// What was seen is forgotten 14 days after it was heard, by a clock that is right, and not before 14 days of this
// process.
func TestSeen_forgotten(t *testing.T) {
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
		s := newSeen()
		unix := c.heard.wall.Unix()
		if !c.heard.right {
			unix = 0
		}
		s.add("kitchen", "r", 1, unix, c.heard.mono)
		forgotten := false
		for _, now := range c.then {
			if err := s.flush(now, func(runKey, *runSeen) error { return nil }, func(runKey, *runSeen) error { forgotten = true; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if forgotten != c.want {
			t.Errorf("%s: forgotten %v, want %v", name, forgotten, c.want)
		}
	}
}
