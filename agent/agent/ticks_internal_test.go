package agent

import (
	"testing"
	"testing/synctest"
	"time"
)

// However the clock is set, readings go on: none is late by more than half an interval, and none comes in a burst.
func TestTicks_clockIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const every = 15 * time.Second
		steps := []time.Duration{
			-24 * time.Hour, 24 * time.Hour, 0, 20 * 365 * 24 * time.Hour, -7 * time.Second,
			7 * time.Second, -time.Hour,
		}
		offset, reads := time.Duration(0), 0
		clock := ticks{every: every, now: func() time.Time {
			now := time.Now().Add(offset)
			offset += steps[reads%len(steps)] // just after it was read
			reads++
			return now
		}}
		last := time.Now()
		for i := range 5 * len(steps) {
			if err := clock.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if gap := time.Since(last); gap > every+every/2 || gap <= 0 {
				t.Errorf("reading %d came %s after the last", i, gap)
			}
			last = time.Now()
		}
	})
}
