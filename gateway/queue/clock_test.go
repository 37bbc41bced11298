package queue_test

import (
	"testing"
	"time"

	"piway/gateway/queue"
	"piway/gateway/queue/storetest"
)

// What came a moment ago by a clock that is not right is not the oldest.
func TestBounds_fullWithUndated(t *testing.T) {
	onMachine(t, 0, func(t *testing.T, m *machine) {
		m.Cfg.MaxBytes = 1 << 20
		m.right.Store(true)
		m.Reopen()
		seq := int64(0)
		for range 3 { // the backlog of an hour ago
			for range 4 {
				seq++
				m.send(report("kitchen", "r", seq, bigNames(300)...))
			}
			time.Sleep(2 * window)
		}
		m.restart(time.Hour, 20*day, "second")
		sent := int64(0)
		send := func() {
			sent++
			m.send(report("kitchen", "s", sent, bigNames(300)...))
		}
		for range 3 {
			for range 4 {
				send()
			}
			time.Sleep(2 * window)
		}
		for range 30 {
			send()
			var old, young int64
			m.query("SELECT COUNT(*) FROM report WHERE run='r'", &old)
			m.query("SELECT COUNT(*) FROM report WHERE run='s'", &young)
			if young < sent && old > 0 {
				t.Fatalf("%d reports of the last minutes are dropped, and %d of an hour ago wait", sent-young, old)
			}
		}
		if a := m.Accounts()["kitchen"]; a.Dropped[queue.ReasonFull] == 0 {
			t.Errorf("got %+v, want some dropped", a)
		}
	})
}

// What came by a clock that is behind, of which nothing better is ever known, is not too old for that.
func TestRedate_guessIsNoAge(t *testing.T) {
	onMachine(t, 2*day, func(t *testing.T, m *machine) {
		change := m.Change
		m.Change = func(c *queue.Config) {
			change(c)
			c.MaxAge, c.ThinAfter = day, 0
		}
		m.Reopen()
		m.send(report("kitchen", "r", 1, "a"))
		time.Sleep(2 * window)
		m.restart(time.Minute, 2*day, "second")
		time.Sleep(window)
		m.setRight()
		time.Sleep(5 * window)
		if a := m.Accounts()["kitchen"]; a.Waiting != 1 {
			t.Errorf("taken minutes ago: got %+v, want it to wait", a)
		}
	})
}

// A clock that is set by weeks, to what is right or to what is not, makes nobody forget what was seen.
func TestSeen_clockStep(t *testing.T) {
	for name, right := range map[string]bool{"unsure until then": false, "said to be right": true} {
		t.Run(name, func(t *testing.T) {
			onMachine(t, 20*day, func(t *testing.T, m *machine) {
				m.right.Store(right)
				m.send(report("kitchen", "r", 1, "a"))
				m.send(report("kitchen", "r", 3, "b"))
				m.setRight()
				m.send(report("attic", "s", 1, "c")) // and a pass closes, which folds
				time.Sleep(2 * window)
				m.send(report("kitchen", "r", 1, "a"))
				if a := m.Accounts()["kitchen"]; a.Duplicate != 1 || a.Missing != 0 || a.Late != 1 {
					t.Errorf("got %+v, want 1 duplicate, none missing, 1 late", a)
				}
			})
		})
	}
}

// A pass that lies behind a wrong name is as old as its samples.
func TestBounds_maxAge_bySamples(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.Change = func(c *queue.Config) { c.MaxAge = time.Hour }
		b.Reopen()
		b.Back.Set(20 * day) // a clock that is said to be right, and is not
		e := storetest.At("kitchen", 1, "a", time.Now())
		b.MustAppend(e)
		time.Sleep(2 * window)
		b.sql("UPDATE pass SET newest=start") // as the upgrade of an older store does
		b.Back.Set(0)
		time.Sleep(2 * window)
		if a := b.Accounts()["kitchen"]; a.Waiting != 1 {
			t.Errorf("got %+v, want it to wait", a)
		}
		time.Sleep(2 * time.Hour)
		if a := b.Accounts()["kitchen"]; a.Dropped[queue.ReasonAge] != 1 {
			t.Errorf("got %+v, want it dropped", a)
		}
	})
}
