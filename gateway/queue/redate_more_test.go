package queue_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/shared/files/lying"
)

// A pass that is taken up while it is dated again keeps its numbers: what was read of it is what is there later.
func TestRedate_whileItIsPicked(t *testing.T) {
	for name, wrong := range map[string]int64{"a clock that is right": 4, "that becomes so between two questions": 1} {
		t.Run(name, func(t *testing.T) { redateWhilePicked(t, wrong) })
	}
}

// redateWhilePicked has the clock be right but for one question in four, or never if that is 4.
func redateWhilePicked(t *testing.T, wrong int64) {
	onMachine(t, 20*day, func(t *testing.T, m *machine) {
		change := m.cfg
		var during func()
		m.cfg = func(c *queue.Config) {
			change(c)
			c.ThinAfter = 0 // which keeps everybody from picking meanwhile
			var asked atomic.Int64
			c.ClockRight = func() bool { return m.right.Load() && asked.Add(1)%4 != wrong }
			c.Date = func(*queue.Entry) float64 {
				if f := during; f != nil {
					during = nil
					f()
				}
				return 0
			}
		}
		m.reopen()
		m.send(report("kitchen", "r", 1, "a"))
		time.Sleep(2 * window)
		first, later := map[string]time.Time{}, map[string]time.Time{}
		var p pass.Pass
		picked := make(chan struct{})
		during = func() { // the forwarder asked a moment before the clock was right
			go func() {
				defer close(picked)
				var err error
				if p, err = m.Next(t.Context(), pass.Order{Undated: true, LiveOnly: true}, ""); err != nil {
					return
				}
				m.names(p, first)
			}()
		}
		m.setRight()
		<-picked
		time.Sleep(2 * window)
		if p.Start == 0 {
			t.Fatal("no pass was picked")
		}
		m.names(p, later)
		if !first["a"].Equal(later["a"]) {
			t.Errorf("a pass in hand was read with %s, and is %s on the disk", first["a"].UTC(), later["a"].UTC())
		}
	})
}

// What came a moment ago by a clock that is not right is not the oldest.
func TestBounds_fullWithUndated(t *testing.T) {
	onMachine(t, 0, func(t *testing.T, m *machine) {
		m.max = 1 << 20
		m.right.Store(true)
		m.reopen()
		seq := int64(0)
		for range 3 { // the backlog of yesterday
			for range 4 {
				seq++
				m.send(report("kitchen", "r", seq, bigNames(300)...))
			}
			time.Sleep(2 * window)
		}
		m.restart(day, 20*day, "second")
		for range 3 {
			for range 4 {
				seq++
				m.send(report("attic", "s", seq, bigNames(300)...))
			}
			time.Sleep(2 * window)
		}
		for range 30 {
			seq++
			m.send(report("attic", "s", seq, bigNames(300)...))
			if a := m.accounts(); a["attic"].Dropped[queue.ReasonFull] > 0 && a["kitchen"].Waiting > 0 {
				t.Fatalf("%d samples of the last minutes are dropped, and %d of yesterday wait", a["attic"].Dropped[queue.ReasonFull], a["kitchen"].Waiting)
			}
		}
	})
}

// A commit of thinning that fails is an error of the disk like any other.
func TestThin_syncFails(t *testing.T) {
	onLyingDisk(t, func(t *testing.T, d *lying.Disk, cfg queue.Config, log *textLog) {
		cfg.ThinAfter = time.Hour
		b := running(t, cfg)
		for i := range 5 {
			b.mustAppend(report("kitchen", "r", int64(i+1), "a"))
			time.Sleep(window)
		}
		time.Sleep(50 * time.Minute)
		failing(d, "-wal", lying.Sync)
		time.Sleep(30 * time.Minute)
		if n := strings.Count(log.buf.String(), "the disk fails to write"); n != 1 {
			t.Errorf("a disk that fails to sync is told %d times, want once", n)
		}
		if err := <-b.ended; !errors.Is(err, queue.ErrDisk) {
			t.Errorf("it ended with %v, want ErrDisk, with a copy", err)
		}
	})
}

// What came by a clock that is behind, of which nothing better is ever known, is not too old for that.
func TestRedate_guessIsNoAge(t *testing.T) {
	onMachine(t, 2*day, func(t *testing.T, m *machine) {
		change := m.cfg
		m.cfg = func(c *queue.Config) {
			change(c)
			c.MaxAge, c.ThinAfter = day, 0
		}
		m.reopen()
		m.send(report("kitchen", "r", 1, "a"))
		time.Sleep(2 * window)
		m.restart(time.Minute, 2*day, "second")
		time.Sleep(window)
		m.setRight()
		time.Sleep(5 * window)
		if a := m.accounts()["kitchen"]; a.Waiting != 1 {
			t.Errorf("taken minutes ago: got %+v, want it to wait", a)
		}
	})
}
