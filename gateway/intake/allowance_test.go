package intake_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"piway/gateway/intake"
	"piway/shared/race"
)

const day = 24 * time.Hour

// A sender is a device under a clock that the test moves on, and what became of its samples.
type sender struct {
	t      *testing.T
	in     *intake.Intake
	now    time.Time
	window time.Duration

	taken   int
	refused map[string]int
	datums  map[string]bool // that a pass makes, by window of arrival, metric and window
}

func newSender(t *testing.T, window time.Duration, maxMetrics int) *sender {
	t.Helper()
	cfg := settings()
	cfg.Window, cfg.MaxSamples, cfg.MaxMetrics = window, 1000, maxMetrics
	return &sender{
		t: t, in: intake.New(cfg), now: arrival, window: window, refused: map[string]int{},
		datums: map[string]bool{},
	}
}

// send sends a message of samples that are of these metrics, each at each of the times.
func (s *sender) send(metrics int, at ...time.Time) {
	s.t.Helper()
	var samples []string
	for _, when := range at {
		for m := range metrics {
			samples = append(samples, fmt.Sprintf(`{"name":"m%d","unit":"None","value":1,"time":%d}`, m, when.Unix()))
		}
	}
	s.judge(report("", samples...))
}

func (s *sender) judge(payload string) (v intake.Verdict) {
	s.t.Helper()
	v = s.in.Judge("pi1", []byte(payload), came(s.now))
	s.in.Kept(&v)
	s.taken += len(v.Samples)
	for reason, n := range v.Reasons {
		s.refused[reason] += n
	}
	w := int64(s.window / time.Second)
	for _, x := range v.Samples {
		s.datums[fmt.Sprintf("%d %s %s %d", s.now.Unix()/w, x.Name, x.Unit, int64(x.Time)/w)] = true
	}
	return v
}

// live sends a reading of each metric every 15 s for some time.
func (s *sender) live(metrics int, lasts time.Duration) {
	s.t.Helper()
	for end := s.now.Add(lasts); s.now.Before(end); s.now = s.now.Add(15 * time.Second) {
		s.send(metrics, s.now.Add(-time.Second))
	}
}

// backlog sends what was read for some time, a reading each so often, oldest first, in large reports, two a second. Each
// connection ends after some of them, of which the last ones are sent again in the next window.
func (s *sender) backlog(metrics int, lasts, each time.Duration) {
	s.t.Helper()
	from := s.now.Add(-lasts)
	var reports [][]time.Time
	var at []time.Time
	for taken := from; taken.Before(s.now); taken = taken.Add(each) {
		if at = append(at, taken); len(at)*metrics >= 490 {
			reports, at = append(reports, at), nil
		}
	}
	reports = append(reports, at)
	for i, at := range reports {
		s.send(metrics, at...)
		s.now = s.now.Add(500 * time.Millisecond)
		if i%100 == 99 {
			s.now = s.now.Add(s.window)
			for _, again := range reports[i-9 : i] {
				s.send(metrics, again...)
			}
		}
	}
}

// A device that does what the configuration asks is never refused.
func TestIntake_Judge_rate_honest(t *testing.T) {
	if race.Enabled {
		t.Skip("thousands of messages, one after the other: without -race only")
	}
	for name, play := range map[string]func(s *sender){
		"live":                    func(s *sender) { s.live(4, 4*time.Hour) },
		"a reading a second":      func(s *sender) { s.second(3, 20*time.Minute) },
		"a report each minute":    func(s *sender) { s.reports(4*time.Hour, time.Minute, 0) },
		"a report each 7 minutes": func(s *sender) { s.reports(4*time.Hour, 7*time.Minute, 0) },
		"half a minute late":      func(s *sender) { s.reports(4*time.Hour, 15*time.Second, 30*time.Second) },
		"14 days offline, then 2 more": func(s *sender) {
			s.live(4, time.Hour)
			s.now = s.now.Add(14 * day)
			s.backlog(4, 14*day, time.Minute)
			s.live(4, 2*time.Hour)
			s.now = s.now.Add(2 * day)
			s.backlog(4, 2*day, 15*time.Second)
		},
		"14 days, new here": func(s *sender) { s.backlog(2, 14*day, 15*time.Second) },
		"14 days offline, and 8 more after 10": func(s *sender) { // reports are of two windows each
			s.backlog(3, 14*day, time.Minute)
			s.reports(10*day, time.Minute, 0)
			s.backlog(3, 8*day, time.Minute)
		},
		"a door sensor's 14 days":   func(s *sender) { s.backlog(1, 14*day, 150*time.Second) },
		"as many metrics as it may": func(s *sender) { s.backlog(100, 6*time.Hour, time.Minute) },
		"the clock steps each hour": func(s *sender) {
			for i := range 8 {
				for range 240 {
					s.send(4, s.now.Add(time.Duration(i%3)*time.Hour-time.Hour))
					s.now = s.now.Add(15 * time.Second)
				}
			}
		},
		"the gateway's clock steps": func(s *sender) {
			for range 24 {
				s.live(4, 10*time.Minute)
				s.now = s.now.Add(-5 * time.Minute)
			}
		},
	} {
		for _, window := range []time.Duration{time.Minute, time.Hour} {
			s := newSender(t, window, 100)
			play(s)
			if len(s.refused) > 0 || s.taken == 0 {
				t.Errorf("%s, a window of %s: %d samples taken and refused %v", name, window, s.taken, s.refused)
			}
		}
	}
}

// second sends a reading a second.
func (s *sender) second(metrics int, lasts time.Duration) {
	for end := s.now.Add(lasts); s.now.Before(end); s.now = s.now.Add(time.Second) {
		s.send(metrics, s.now)
	}
}

// reports sends for some time what was read every 15 s in reports, each so often and so late.
func (s *sender) reports(lasts, each, late time.Duration) {
	for end := s.now.Add(lasts); s.now.Before(end); s.now = s.now.Add(each) {
		var at []time.Time
		for ago := each; ago > 0; ago -= 15 * time.Second {
			at = append(at, s.now.Add(-ago-late))
		}
		s.send(3, at...)
	}
}

// Whoever sends each sample at another time, or the same old times again and again, has what AWS gets bounded: one
// backlog, then two windows for each of its metrics in each.
func TestIntake_Judge_rate_attacker(t *testing.T) {
	if race.Enabled {
		t.Skip("thousands of messages, one after the other: without -race only")
	}
	const metrics, windows, perWindow = 2, 60, 10
	const window = 10 * time.Minute
	for name, ago := range map[string]func(message, i int) int{
		"other times":        func(message, i int) int { return message*100 + i },
		"the same again":     func(_, i int) int { return i },
		"the same scattered": func(_, i int) int { return 2 * i },
		"the future":         func(_, i int) int { return -i % 12 },
	} {
		s := newSender(t, window, metrics)
		for message := range windows * perWindow {
			at := make([]time.Time, 100)
			for i := range at {
				at[i] = s.now.Add(-time.Duration(ago(message, i)) * window)
			}
			s.send(metrics, at...)
			s.now = s.now.Add(window / perWindow)
		}
		// Of the allowance, and of the present window and the one before it in each.
		if most := metrics * (16*24*6 + 2*windows + 2*windows); len(s.datums) > most {
			t.Errorf("%s: %d datums, want at most %d", name, len(s.datums), most)
		}
		if name != "the future" && s.refused[intake.ReasonRate] == 0 {
			t.Errorf("%s: nothing is refused of %d datums", name, len(s.datums))
		}
	}
}

// Units are metrics too, and more of them than a device may have bring it no more.
func TestIntake_Judge_rate_units(t *testing.T) {
	s := newSender(t, time.Hour, 3)
	units := []string{"None", "Percent", "Count", "Seconds", "Bytes"}
	for hour := range 10_000 {
		var samples []string
		for _, unit := range units {
			samples = append(samples, fmt.Sprintf(`{"name":"m","unit":%q,"value":1,"time":%d}`, unit,
				s.now.Add(-time.Duration(hour)*time.Hour).Unix()))
		}
		s.judge(report("", samples...))
	}
	if want := 3 * 16 * 24; s.taken != want || len(s.datums) != want {
		t.Errorf("%d samples taken, %d datums, want %d; refused %v", s.taken, len(s.datums), want, s.refused)
	}
	if s.refused[intake.ReasonRate] != 30_000-3*16*24 || s.refused[intake.ReasonMetrics] != 20_000 {
		t.Errorf("refused %v", s.refused)
	}
}

// Samples of one window that come in several messages are paid for once, however scattered the windows are.
func TestIntake_Judge_rate_scattered(t *testing.T) {
	s := newSender(t, time.Minute, 1)
	for _, windows := range [][2]int{{1, 300}, {300, 600}} { // newer ones first, then oldest first
		for w := windows[0]; w < windows[1]; w++ {
			ago := 2 * w
			if windows[0] > 1 {
				ago = 2 * (900 - w)
			}
			at := s.now.Add(-time.Duration(ago) * time.Minute).Unix()
			for again := range 3 {
				v := s.judge(report("", bare("m", fmt.Sprintf(`,"time":%d`, at))))
				if want := 1 - min(again, 1); v.Charged != want {
					t.Fatalf("%d minutes ago, message %d: charged %d, want %d", ago, again, v.Charged, want)
				}
			}
		}
	}
}

// What could not be kept costs nothing, however often it is sent, and what is refused says how much is allowed.
func TestIntake_Judge_rate_failed(t *testing.T) {
	s := newSender(t, time.Hour, 3)
	at := func(hour int) string {
		return report("", bare("m", fmt.Sprintf(`,"time":%d`, s.now.Add(-time.Duration(hour)*time.Hour).Unix())))
	}
	for hour := range 1000 { // as many as it may have and more, none of which is kept
		v := s.in.Judge("pi1", []byte(at(hour)), came(s.now))
		if len(v.Samples) != 1 || v.Charged != 1 {
			t.Fatalf("hour %d: got %+v", hour, v)
		}
		s.in.Failed(&v)
	}
	s.now = s.now.Add(3 * time.Hour)
	for hour := range 500 {
		s.judge(at(hour))
	}
	if s.taken != 16*24 || !maps.Equal(s.refused, map[string]int{intake.ReasonRate: 500 - 16*24}) {
		t.Errorf("%d taken, refused %v", s.taken, s.refused)
	}
	v := s.judge(at(2000))
	if len(v.Refused) != 1 || v.Refused[0].Reason != intake.ReasonRate {
		t.Fatalf("got %+v", v)
	}
	for _, part := range []string{"device pi1", "384 datapoints", "its 1 metrics", "2 in 1h", "clock"} {
		if !strings.Contains(v.Refused[0].Error, part) {
			t.Errorf("got %q, which does not say %q", v.Refused[0].Error, part)
		}
	}
	s.now = s.now.Add(time.Hour)
	for hour := range 5 {
		s.judge(at(3000 + hour))
	}
	if s.taken != 16*24+2 {
		t.Errorf("an hour later %d more, want 2", s.taken-16*24)
	}
	if s.in = newSender(t, time.Hour, 3).in; len(s.judge(at(4000)).Samples) != 1 {
		t.Error("after a restart the allowance is not full")
	}
}
