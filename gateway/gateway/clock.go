package gateway

import (
	"log/slog"
	"sync"
	"time"

	"piway/gateway/intake"
	"piway/gateway/settings"
	"piway/shared/clock"
)

// clockRight returns what reports whether this machine's own clock is to be believed.
func clockRight(c *settings.Intake) func() bool {
	trust := c.TrustClock
	return func() bool { return trust || clock.Read() != clock.Unsynced }
}

const (
	// askEvery is how often the kernel is asked while nobody sets the clock: what it says of it changes a few times a day.
	askEvery = time.Second
	// wasSet is by how much the clock on the wall goes apart from the monotonic one where it was set, and not slewed.
	wasSet = time.Millisecond
)

// clocks are this machine's, by which what arrives is judged, stored and dated again. All who ask are told the same.
type clocks struct {
	wall      func() time.Time
	sinceBoot func() time.Duration
	right     func() bool

	mu    sync.Mutex
	last  intake.Moment // when the kernel was asked
	asked time.Time     // the same, with the monotonic clock's reading
}

func newClocks(c *settings.Intake) *clocks {
	return &clocks{wall: clock.Now, sinceBoot: clock.SinceBoot, right: clockRight(c)}
}

// now is this moment. The kernel is asked anew when that was a second ago, or when the clock on the wall was set since,
// as it is after a sleep. What is known of that clock is read before it: what becomes right in between is right
// then.
func (c *clocks) now() intake.Moment {
	c.mu.Lock()
	defer c.mu.Unlock()
	since := time.Since(c.asked)
	m := intake.Moment{Wall: c.wall(), Right: c.last.Right, SinceBoot: c.last.SinceBoot + since}
	set := time.Duration(m.Wall.UnixNano()-c.last.Wall.UnixNano()) - since
	if since >= askEvery || set.Abs() >= wasSet {
		right := c.right()
		m = intake.Moment{Wall: c.wall(), Right: right, SinceBoot: c.sinceBoot()}
		c.last, c.asked = m, time.Now()
	}
	return m
}

// clockRight reports whether this machine's clock is right, as of now.
func (g *Gateway) clockRight() bool { return g.now().Right }

// tellClock warns at the start where times will not be judged, or not by this machine's clock.
func tellClock(c *settings.Intake, log *slog.Logger) error {
	set, err := clock.Check()
	if err != nil {
		return err
	}
	if set {
		log.Warn("the clock is set for tests", "variable", clock.Variable, "now", clock.Now())
	}
	if !clockRight(c)() {
		log.Warn("this machine's clock is not synchronised: until it is, nothing is shifted, refused or expired by time",
			"try", "timedatectl; or intake.trust_clock: true if something else keeps it right")
	}
	return nil
}
