package forward

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"piway/gateway/encode"
	"piway/gateway/intake"
	"piway/gateway/names"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
	"piway/gateway/rollup"
	"piway/gateway/settings"
	"piway/shared/sample"
)

// stages are intake, queue and Forwarder under a clock that the test sets.
type stages struct {
	t   *testing.T
	now atomic.Int64 // Unix milliseconds
	off atomic.Bool  // the clock is not known to be right
	in  *intake.Intake
	q   *queue.Queue
	f   *Forwarder

	start time.Time
}

func newStages(t *testing.T, start time.Time, hasTimestamp bool) *stages {
	t.Helper()
	s := &stages{t: t, start: start}
	s.now.Store(start.UnixMilli())
	cfg := settings.Default()
	log := slog.New(slog.DiscardHandler)
	var err error
	s.q, err = queue.Open(t.Context(), queue.Config{
		Path: filepath.Join(t.TempDir(), "queue.db"), Window: cfg.Rollup.Window, Grace: cfg.Rollup.Grace,
		MaxBytes: 1 << 30, Now: s.clock, SinceBoot: func() time.Duration { return s.clock().Sub(start) }, Log: log,
		BootID: "boot", ClockRight: s.right,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.q.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("queue: %v", err)
		}
	})
	s.in = intake.New(intake.Config{
		Names: names.New(cfg.Intake.NameTemplate, cfg.Site), ClockTolerance: cfg.Intake.ClockTolerance, MaxSamples: 10,
		MaxMetrics: 10,
		IsDevice:   func(string) bool { return true }, Owners: map[string]string{},
	})
	s.f = New(Config{
		Store: s.q, Rollup: rollup.Settings{Window: cfg.Rollup.Window}, Form: encode.Metric, HasTimestamp: hasTimestamp,
		Now: s.clock, SinceBoot: func() time.Duration { return s.clock().Sub(start) }, ClockRight: s.right, Log: log,
	})
	return s
}

func (s *stages) right() bool { return !s.off.Load() }

func (s *stages) clock() time.Time { return time.UnixMilli(s.now.Load()) }

// arrive lets a report of one sample arrive at a moment, taken and sent by the device's clock as given.
func (s *stages) arrive(at time.Time, seq int64, clock string, taken, sent time.Time) {
	s.t.Helper()
	s.now.Store(at.UnixMilli())
	r := sample.Report{
		Run: "r", Seq: seq, Clock: clock, Sent: sample.Seconds(sent),
		Samples: []sample.Sample{{Name: "load", Unit: "Count", Value: float64(seq), Time: sample.Seconds(taken)}},
	}
	payload, err := r.JSON()
	if err != nil {
		s.t.Fatal(err)
	}
	s.take(at, payload)
}

// take lets a message arrive of which all is taken.
func (s *stages) take(at time.Time, payload []byte) {
	s.t.Helper()
	v := s.in.Judge("pi", payload, intake.Moment{Wall: at, Right: s.right(), SinceBoot: at.Sub(s.start)})
	if len(v.Refused) > 0 {
		s.t.Fatalf("refused: %+v", v.Refused)
	}
	kept := make(chan error, 1)
	s.q.Append(queue.Entry{
		Report: v.Report, Arrived: at, Shift: v.Shift, Unsure: !s.right(), SinceBoot: at.Sub(s.start),
	}, func(err error) { kept <- err })
	if err := <-kept; err != nil {
		s.t.Fatal(err)
	}
}

// sent returns the timestamps of n messages, each acknowledged.
func (s *stages) sent(n int) []string {
	s.t.Helper()
	var times []string
	for range n {
		payload, err := s.f.Next(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		var m struct{ Timestamp string }
		if err := json.Unmarshal(payload, &m); err != nil {
			s.t.Fatal(err)
		}
		times = append(times, m.Timestamp)
		if err := s.f.Acked(s.t.Context(), 1); err != nil {
			s.t.Fatal(err)
		}
	}
	return times
}

// TestForward_oneDatumPerWindow: a clock that is 20 s slow and reports that cross a window's boundary on their way do
// not split a window into two datums.
func TestForward_oneDatumPerWindow(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const windows, perWindow = 3, 4
	for _, tc := range []struct {
		name        string
		clock       string
		slow, delay time.Duration
		datums      int
	}{
		{"a clock that is right", sample.Synced, 0, 0, windows},
		{"not synchronised and 20 s slow", sample.Unsynced, 20 * time.Second, 0, windows},
		{"says nothing of its clock and 20 s slow", "", 20 * time.Second, 0, windows},
		{"8 s on the way", sample.Synced, 0, 8 * time.Second, windows},
		// Not shifted: the first sample counts for the window before.
		{"8 s slow, within the tolerance", sample.Unsynced, 8 * time.Second, 0, windows + 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStages(t, start, true)
			for i := range windows * perWindow {
				taken := start.Add(time.Duration(i)*15*time.Second + 7*time.Second)
				s.arrive(taken.Add(tc.delay), int64(i+1), tc.clock, taken.Add(-tc.slow), taken.Add(-tc.slow))
			}
			s.now.Store(start.Add(windows * time.Minute).Add(11 * time.Second).UnixMilli())
			seen := map[string]bool{}
			for _, ts := range s.sent(tc.datums) {
				if seen[ts] {
					t.Errorf("window %s has two datums", ts)
				}
				seen[ts] = true
			}
			s.settled()
		})
	}
}

// settled holds the ledger to it that nothing waits.
func (s *stages) settled() {
	s.t.Helper()
	accounts, err := s.q.Ledger(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if arrival, store := accounts[0].Difference(); arrival != 0 || store != 0 {
		s.t.Errorf("the ledger does not balance: %d samples on arrival and %d in the store", arrival, store)
	}
	for _, a := range accounts {
		if a.Waiting != 0 {
			s.t.Errorf("%s: %d samples wait after the last datum", a.Device, a.Waiting)
		}
	}
}

// TestForward_expires: what AWS would not take, or would date wrongly, is not sent but counted, and its neighbours go.
func TestForward_expires(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name         string
		hasTimestamp bool
		old          time.Duration
		reason       string
	}{
		{"older than CloudWatch takes", true, 15 * 24 * time.Hour, "older than 14 days"},
		{"not fresh, for a rule without timestamp", false, time.Hour, "rule has no timestamp"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStages(t, start, tc.hasTimestamp)
			s.arrive(start, 1, sample.Synced, start.Add(-tc.old), start)
			s.arrive(start.Add(time.Second), 2, sample.Synced, start.Add(time.Second), start)
			s.now.Store(start.Add(71 * time.Second).UnixMilli())
			if got := s.sent(1); got[0] != fmt.Sprint(start.Unix()) {
				t.Errorf("sent %v, want the fresh one of %d", got, start.Unix())
			}
			s.nothingMore() // the expired one's pass comes behind it
			s.settled()
			accounts, err := s.q.Ledger(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if a := accounts[0]; a.Sent != 1 || a.Expired[tc.reason] != 1 {
				t.Errorf("got %+v, want 1 sent and 1 expired as %q", a, tc.reason)
			}
		})
	}
}

// TestForward_expires_future: what no clock could refuse on arrival is judged again when there is one, before it is
// sent, and its neighbour goes.
func TestForward_expires_future(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := newStages(t, start, true)
	s.off.Store(true)
	s.take(start, []byte(`[{"name":"far","unit":"None","value":1,"timestamp":2147483648},
		{"name":"near","unit":"None","value":1,"timestamp":"`+start.Add(119*time.Minute).Format(time.RFC3339)+`"},
		{"name":"here","unit":"None","value":1}]`))
	s.now.Store(start.Add(71 * time.Second).UnixMilli())
	s.nothingMore() // nothing goes by a clock that is not right
	s.off.Store(false)
	s.now.Store(start.Add(72 * time.Second).UnixMilli())
	got := s.sent(2)
	slices.Sort(got)
	if want := []string{fmt.Sprint(start.Unix()), fmt.Sprint(start.Add(119 * time.Minute).Unix())}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	s.nothingMore()
	if a := s.account(); a.Sent != 2 || a.Expired["more than 2 h in the future"] != 1 || a.Waiting != 0 {
		t.Errorf("got %+v, want 2 sent and 1 expired", a)
	}
}

// TestForward_parks: a datum that AWS does not let through waits, is counted as parked, does not hold up the ones
// behind it, and is tried again when nothing else is there to be sent.
func TestForward_parks(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := newStages(t, start, true)
	for i := range 3 {
		at := start.Add(time.Duration(i) * time.Minute)
		s.arrive(at.Add(time.Second), int64(i+1), sample.Synced, at, at)
	}
	s.now.Store(start.Add(4 * time.Minute).UnixMilli())
	next := func() string {
		t.Helper()
		payload, err := s.f.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var m struct{ Timestamp string }
		if err := json.Unmarshal(payload, &m); err != nil {
			t.Fatal(err)
		}
		return m.Timestamp
	}
	first, second := next(), next()
	if err := s.f.Park(t.Context()); err != nil { // the first
		t.Fatal(err)
	}
	if err := s.f.Acked(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if a := s.account(); a.Waiting != 2 || a.Parked[reasonParked] != 1 || a.Sent != 1 {
		t.Errorf("got %+v, want 2 waiting, 1 of them parked, and 1 sent", a)
	}
	third := next()
	if err := s.f.Acked(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if first == second || second == third {
		t.Errorf("got %s, %s, %s, want three windows", first, second, third)
	}
	again := next() // nothing else is there
	if again != first {
		t.Errorf("got %s again, want the parked %s", again, first)
	}
	if err := s.f.Park(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.nothingMore() // for a day
	s.now.Add(retryParked.Milliseconds())
	if again := next(); again != first {
		t.Errorf("a day later: got %s, want %s", again, first)
	}
	if err := s.f.Acked(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	s.settled()
	if a := s.account(); a.Sent != 3 || len(a.Parked) != 0 {
		t.Errorf("got %+v, want all 3 sent", a)
	}
}

// nothingMore looks whether anything else is to be sent.
func (s *stages) nothingMore() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 300*time.Millisecond)
	defer cancel()
	if payload, err := s.f.Next(ctx); err == nil {
		s.t.Errorf("sends %s too", payload)
	}
}

func (s *stages) account() ledger.Account {
	s.t.Helper()
	accounts, err := s.q.Ledger(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if arrival, store := accounts[0].Difference(); arrival != 0 || store != 0 {
		s.t.Errorf("the ledger does not balance: %d samples on arrival and %d in the store", arrival, store)
	}
	return accounts[0]
}

// TestForward_emf: many datums go in a message, the position is that of the last one acknowledged, and what follows it
// is sent again after a restart, each datum once.
func TestForward_emf(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := newStages(t, start, true)
	base := names.New("{name} ({device})", "home").Base
	anew := func() *Forwarder {
		cfg := s.f.cfg
		cfg.Form, cfg.FormMark = encode.NewEMF("RaspberryPi", "home", base), "emf"
		cfg.Rollup.Default, cfg.Rollup.Base = rollup.Values, base
		return New(cfg)
	}
	const devices, values = 1500, 3
	s.now.Store(start.Add(time.Second).UnixMilli())
	kept := make(chan error, devices)
	for i := range devices {
		e := queue.Entry{Report: sample.Report{Device: fmt.Sprintf("pi-%04d", i), Run: "r", Seq: 1}, Arrived: s.clock()}
		for v := range values {
			e.Samples = append(e.Samples, sample.Sample{
				Name: fmt.Sprintf("home/load (%s)", e.Device), Unit: "Count",
				Value: float64(v), Time: sample.Seconds(start) + float64(v),
			})
		}
		s.q.Append(e, func(err error) { kept <- err })
	}
	for range devices {
		if err := <-kept; err != nil {
			t.Fatal(err)
		}
	}
	s.now.Store(start.Add(2 * time.Minute).UnixMilli())

	seen := map[string]int{}
	next := func(f *Forwarder) map[string]int {
		t.Helper()
		payload, err := f.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(payload) > encode.MaxEMF {
			t.Errorf("a message has %d bytes", len(payload))
		}
		return encode.Samples(payload)
	}
	book := func(devices map[string]int) {
		for d, n := range devices {
			seen[d] += n
		}
	}
	f := anew()
	first, second := next(f), next(f)
	if len(first) < 100 || len(second) < 100 {
		t.Fatalf("messages of %d and %d devices, want many in one", len(first), len(second))
	}
	if err := f.Acked(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	book(first)

	s.q.Release(f.handed[0].h.pass.Start)
	f = anew() // as after a crash: the second message was not acknowledged
	for n := 0; len(seen) < devices; n++ {
		m := next(f)
		if n == 0 && len(m) != len(second) {
			t.Errorf("got a message of %d devices again, want the second of %d", len(m), len(second))
		}
		book(m)
		if err := f.Acked(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	for d, n := range seen {
		if n != values {
			t.Errorf("%s: %d samples sent, want %d", d, n, values)
		}
	}
	s.settled()
}
