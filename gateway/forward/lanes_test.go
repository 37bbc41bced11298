package forward

import (
	"fmt"
	"testing"
	"time"

	"piway/gateway/pass"
	"piway/gateway/rollup"
	"piway/shared/sample"
)

// wait returns when the pass of a window has closed, beside the one that the forwarder has in hand.
func (s *stages) wait(window time.Time) {
	s.t.Helper()
	p, err := s.q.Next(s.t.Context(), pass.Order{}, s.f.fingerprint())
	if err != nil || p.Start != window.Unix() {
		s.t.Fatalf("got the pass of %d, %v, want that of %d", p.Start, err, window.Unix())
	}
	s.q.Release(p.Start)
}

// TestForward_lanes: while a backlog is being sent, a pass that closes goes first, to the message; the backlog goes on
// behind it, and both positions are durable.
func TestForward_lanes(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := newStages(t, start, true)
	s.f.cfg.Rollup.Rules = []rollup.Rule{{Match: "*", Reduce: rollup.All}}
	seq := int64(0)
	arrive := func(at time.Time, n int) {
		for i := range n {
			seq++
			s.arrive(at.Add(time.Duration(i)*time.Second), seq, sample.Synced, at.Add(time.Duration(i)*time.Second), at)
		}
	}
	arrive(start, 50) // an outage of ten minutes begins
	s.now.Store(start.Add(10 * time.Minute).UnixMilli())
	first := s.sent(10)
	arrive(start.Add(10*time.Minute), 5)
	s.now.Store(start.Add(11*time.Minute + 11*time.Second).UnixMilli())
	s.wait(start.Add(10 * time.Minute))
	for i, ts := range s.sent(5) {
		if want := fmt.Sprint(start.Add(10*time.Minute + time.Duration(i)*time.Second).Unix()); ts != want {
			t.Errorf("message %d is of %s, want the live one of %s", i, ts, want)
		}
	}
	rest := s.sent(40)
	if first[9] != fmt.Sprint(start.Unix()+9) || rest[0] != fmt.Sprint(start.Unix()+10) ||
		rest[39] != fmt.Sprint(start.Unix()+49) {
		t.Errorf("the backlog went %s … %s | %s … %s, want it in order, each once", first[0], first[9], rest[0], rest[39])
	}
	s.settled()
}

// TestForward_lanes_flush: what a Pi kept while it had no gateway arrives at once, so the pass is live and long. It
// goes behind the next one that closes, and on from where it was, each datum once.
func TestForward_lanes_flush(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := newStages(t, start, true)
	s.f.cfg.Rollup.Rules = []rollup.Rule{{Match: "*", Reduce: rollup.All}}
	hourAgo := start.Add(-time.Hour)
	for i := range 20 {
		s.arrive(start.Add(15*time.Second), int64(i+1), sample.Synced, hourAgo.Add(time.Duration(i)*time.Second), start)
	}
	s.now.Store(start.Add(71 * time.Second).UnixMilli())
	first := s.sent(5)
	next := start.Add(time.Minute)
	for i := range 5 {
		s.arrive(start.Add(72*time.Second), int64(i+100), sample.Synced, next.Add(time.Duration(i)*time.Second), start)
	}
	s.now.Store(start.Add(131 * time.Second).UnixMilli())
	s.wait(next)
	for i, ts := range s.sent(5) {
		if want := fmt.Sprint(next.Unix() + int64(i)); ts != want {
			t.Errorf("message %d is of %s, want the live one of %s", i, ts, want)
		}
	}
	p, err := s.q.Next(t.Context(), pass.Order{LiveOnly: true}, s.f.fingerprint())
	if err != nil || p.Start != start.Unix() {
		t.Errorf("got %d, %v: the pass that yielded is kept in memory, and from the queue's bounds", p.Start, err)
	}
	s.q.Release(p.Start)
	rest := s.sent(15)
	if first[4] != fmt.Sprint(hourAgo.Unix()+4) || rest[0] != fmt.Sprint(hourAgo.Unix()+5) ||
		rest[14] != fmt.Sprint(hourAgo.Unix()+19) {
		t.Errorf("the backlog went %s … %s | %s … %s, want it in order, each once", first[0], first[4], rest[0], rest[14])
	}
	s.settled()
	s.nothingMore()
}

// TestForward_undated: while the gateway's clock is not right, passes wait to be dated, for as long as a clock takes
// to become right once the internet is there, by a clock that nobody sets; then they go.
func TestForward_undated(t *testing.T) {
	var right bool
	var mono time.Duration
	f := New(Config{ClockRight: func() bool { return right }, SinceBoot: func() time.Duration { return mono }})
	mono = 5 * time.Hour // without AWS
	for _, c := range []struct {
		after time.Duration
		right bool
		want  bool
	}{
		{0, false, false},
		{undatedFor - 1, false, false},
		{undatedFor, false, true},
		{undatedFor, true, false},
		{undatedFor + time.Hour, false, true},
	} {
		mono, right = 5*time.Hour+c.after, c.right
		if got := f.undated(); got != c.want {
			t.Errorf("%s after the first connection, clock right %v: undated passes are wanted: %v, want %v", c.after, c.right,
				got, c.want)
		}
	}
}
