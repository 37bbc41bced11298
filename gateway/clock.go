package main

import (
	"log/slog"

	"piway/gateway/intake"
	"piway/shared/clock"
)

// clockRight reports whether this machine's own clock is to be believed.
func (c *IntakeConfig) clockRight() bool { return c.TrustClock || clock.Read() != clock.Unsynced }

// moment is now. What is known of the clock is read before it: what becomes right in between is right then.
func (c *IntakeConfig) moment() intake.Moment {
	right := c.clockRight()
	return intake.Moment{Wall: clock.Now(), Right: right, SinceBoot: clock.SinceBoot()}
}

// tellClock warns at the start where times will not be judged, or not by this machine's clock.
func tellClock(c *IntakeConfig, log *slog.Logger) error {
	set, err := clock.Check()
	if err != nil {
		return err
	}
	if set {
		log.Warn("the clock is set for tests", "variable", clock.Variable, "now", clock.Now())
	}
	if !c.clockRight() {
		log.Warn("this machine's clock is not synchronised: until it is, nothing is shifted, refused or expired by time",
			"try", "timedatectl; or intake.trust_clock: true if something else keeps it right")
	}
	return nil
}
