package gateway

import (
	"testing"
	"testing/synctest"
	"time"
)

// The kernel is asked once for what arrives in a second, and at once when a clock was set or the machine slept.
func TestClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var step, slept time.Duration
		start, asked, right := time.Now(), 0, false
		c := &clocks{
			wall:      func() time.Time { return time.Now().Add(step) },
			sinceBoot: func() time.Duration { asked++; return time.Hour + time.Since(start) + slept },
			right:     func() bool { return right },
		}
		check := func(what string, wantAsked int) {
			t.Helper()
			m := c.now()
			if asked != wantAsked || m.Right != right || !m.Wall.Equal(time.Now().Add(step)) ||
				m.SinceBoot != time.Hour+time.Since(start)+slept {
				t.Errorf("%s: asked %d times, want %d; got %+v", what, asked, wantAsked, m)
			}
		}
		check("at the start", 1)
		time.Sleep(askEvery / 2)
		check("half a second later", 1)
		right, step = true, 20*24*time.Hour
		check("after the clock was set", 2)
		right, step = false, step-time.Second
		check("and was set back", 3)
		step, slept = step+time.Minute, time.Minute
		check("after a sleep", 4)
		right = true
		time.Sleep(askEvery)
		check("a second later", 5)
	})
}
