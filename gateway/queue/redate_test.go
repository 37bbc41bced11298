package queue_test

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/shared/sample"
)

const day = 24 * time.Hour

// A machine is what a gateway without a battery for its clock runs on.
type machine struct {
	*bench
	right atomic.Bool
	boot  string
	began time.Time // true time
}

// onMachine runs f with a queue on a machine whose clock is behind by that much, and not known to be right.
func onMachine(t *testing.T, behind time.Duration, f func(*testing.T, *machine)) {
	t.Helper()
	inBubble(t, func(t *testing.T, b *bench) {
		m := &machine{bench: b, boot: "first", began: time.Now()}
		b.Change = func(c *queue.Config) {
			c.MaxAge, c.ThinAfter, c.BootID = 13*day, 2*day, m.boot
			c.ClockRight = func() bool { return m.right.Load() }
			began := m.began
			c.SinceBoot = func() time.Duration { return time.Since(began) }
		}
		b.Back.Set(behind)
		b.Reopen()
		f(t, m)
	})
}

// send sends a report as the broker would hand it over.
func (m *machine) send(e queue.Entry) {
	m.T.Helper()
	e.Arrived, e.Unsure, e.SinceBoot = m.Now(), !m.right.Load(), time.Since(m.began)
	m.MustAppend(e)
}

// setRight sets the clock right while all runs.
func (m *machine) setRight() {
	m.Back.Set(0)
	m.right.Store(true)
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

// restart cuts the power, and starts the machine again after a while with a clock that is behind.
func (m *machine) restart(after, behind time.Duration, boot string) {
	m.T.Helper()
	time.Sleep(after)
	m.Back.Set(behind)
	m.right.Store(false)
	m.boot, m.began = boot, time.Now()
	m.Crash()
}

// times returns when each sample that waits was taken, by its name, whatever its pass.
func (m *machine) times() map[string]time.Time {
	m.T.Helper()
	got := map[string]time.Time{}
	ctx, cancel := context.WithTimeout(m.T.Context(), 2*window)
	defer cancel()
	for {
		p, err := m.Next(ctx, pass.Order{Shelved: math.MaxInt64}, "f")
		if err != nil {
			return got
		}
		m.names(p, got)
	}
}

func (m *machine) names(p pass.Pass, got map[string]time.Time) {
	m.T.Helper()
	if err := m.Each(m.T.Context(), p, func(_ string, samples []sample.Sample) error {
		for _, s := range samples {
			got[s.Name] = time.UnixMicro(int64(s.Time * 1e6))
		}
		return nil
	}); err != nil {
		m.T.Fatal(err)
	}
}

func (m *machine) near(got map[string]time.Time, name string, want time.Time) {
	m.T.Helper()
	if off := got[name].Sub(want); off.Abs() > 2*time.Second {
		m.T.Errorf("%s is dated %s, want %s", name, got[name].UTC(), want.UTC())
	}
}

// What was acknowledged by a clock that was 20 days behind is as young as it is: nothing is dropped nor thinned, and
// it is dated by what the clock says when it is right. Before that it is not sent.
func TestRedate_clockBecomesRight(t *testing.T) {
	onMachine(t, 20*day, func(t *testing.T, m *machine) {
		first := time.Now()
		m.send(report("kitchen", "r", 1, "a"))
		time.Sleep(3 * window)
		second := time.Now()
		own := report("kitchen", "r", 2, "b", "own")
		own.Samples[1].Time = float64(second.Add(-time.Minute).Unix()) // of a device whose clock is right
		m.send(own)
		time.Sleep(2 * window)
		open := time.Now()
		m.send(report("kitchen", "r", 3, "open"))
		if _, err := m.Next(t.Context(), pass.Order{Live: day, LiveOnly: true}, "f"); err == nil {
			t.Error("a pass is handed out that is not dated")
		}
		m.setRight()
		time.Sleep(2 * window)
		if a := m.Accounts()["kitchen"]; a.Waiting != 4 || len(a.Dropped) > 0 {
			t.Errorf("got %+v, want all 4 waiting", a)
		}
		got := m.times()
		m.near(got, "a", first)
		m.near(got, "b", second)
		m.near(got, "own", second.Add(-time.Minute))
		m.near(got, "open", open)
		var undated, hosts int64
		m.query("SELECT COUNT(*) FROM pass WHERE undated<>0", &undated)
		m.query("SELECT COUNT(*) FROM host", &hosts)
		if undated+hosts != 0 {
			t.Errorf("%d passes are still undated, of %d runs of the machine", undated, hosts)
		}
	})
}

// A machine that is started again before its clock was right: its own clock stands where it may have been right.
func TestRedate_earlierRun(t *testing.T) {
	for name, c := range map[string]struct {
		behind time.Duration // of the first run
		known  bool          // a right time was known before
		off    time.Duration // of what the run is dated by, against the truth
	}{
		"a clock with a battery":            {0, true, 0},
		"behind what was known":             {20 * day, true, time.Hour}, // as if it had started again at once
		"ahead of the next start":           {-20 * day, true, time.Hour},
		"no right time was known":           {day, false, -day},
		"none was, and it would be too old": {20 * day, false, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			onMachine(t, 0, func(_ *testing.T, m *machine) {
				if c.known {
					m.right.Store(true)
					m.send(report("kitchen", "r", 1, "known"))
					time.Sleep(2 * window)
					m.restart(time.Minute, c.behind, "second")
				} else {
					m.restart(0, c.behind, "second")
				}
				at := time.Now()
				m.send(report("kitchen", "r", 2, "a"))
				time.Sleep(2 * window)
				m.send(report("kitchen", "r", 3, "b"))
				m.restart(time.Hour, 0, "third")
				time.Sleep(2 * window)
				m.setRight()
				time.Sleep(window)
				got := m.times()
				m.near(got, "a", at.Add(c.off))
				m.near(got, "b", at.Add(2*window+c.off))
			})
		})
	}
}

// What is in hand, or partly sent, keeps its numbers and so its times.
func TestRedate_leavesWhatIsSent(t *testing.T) {
	onMachine(t, 20*day, func(t *testing.T, m *machine) {
		m.send(report("kitchen", "r", 1, "a", "b"))
		time.Sleep(2 * window)
		p, err := m.Next(t.Context(), pass.Order{Undated: true}, "f")
		if err != nil {
			t.Fatal(err)
		}
		m.setRight()
		got := map[string]time.Time{}
		m.names(p, got)
		if age := time.Since(got["a"]); age < 19*day {
			t.Errorf("a pass in hand is dated anew, %s ago", age)
		}
		p.Next = 1
		if err := m.Settle(t.Context(), nil, []pass.Pass{p}); err != nil {
			t.Fatal(err)
		}
		m.Release(p.Start)
		time.Sleep(2 * time.Minute)
		m.names(p, got)
		if age := time.Since(got["a"]); age < 19*day {
			t.Errorf("a pass that is partly sent is dated anew, %s ago", age)
		}
		if p, err = m.Next(t.Context(), pass.Order{}, "f"); err != nil || p.Next != 1 {
			t.Errorf("got %+v, %v, want it to go on", p, err)
		}
	})
}

// The shift of a sender's clock is found out anew with the arrival, and counted.
func TestRedate_shift(t *testing.T) {
	onMachine(t, 20*day, func(t *testing.T, m *machine) {
		change := m.Change
		m.Change = func(c *queue.Config) {
			change(c)
			c.Date = func(r *sample.Report, arrived time.Time) float64 { return float64(arrived.Unix()) - r.Sent }
		}
		m.Reopen()
		at := time.Now()
		e := report("kitchen", "r", 1, "a")
		e.Sent, e.Samples[0].Time = 1000, 990
		m.send(e)
		m.setRight()
		time.Sleep(2 * window)
		m.near(m.times(), "a", at.Add(-10*time.Second))
		if a := m.Accounts()["kitchen"]; a.Shifted != 1 {
			t.Errorf("got %+v, want 1 shifted", a)
		}
		m.Crash()
		if a := m.Accounts()["kitchen"]; a.Shifted != 1 {
			t.Errorf("after a crash: got %+v, want 1 shifted", a)
		}
	})
}
