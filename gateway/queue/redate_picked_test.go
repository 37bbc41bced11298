package queue_test

import (
	"sync/atomic"
	"testing"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/shared/sample"
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
		change := m.Change
		var during func()
		m.Change = func(c *queue.Config) {
			change(c)
			c.ThinAfter = 0 // which keeps everybody from picking meanwhile
			var asked atomic.Int64
			c.ClockRight = func() bool { return m.right.Load() && asked.Add(1)%4 != wrong }
			c.Date = func(*sample.Report, time.Time) float64 {
				if f := during; f != nil {
					during = nil
					f()
				}
				return 0
			}
		}
		m.Reopen()
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
