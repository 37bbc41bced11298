package page

import (
	"math"
	"time"
)

// drawable is the largest value that is drawn. CloudWatch takes up to 2^360, some 2e108.
const drawable = 1e300

// flat is the part of a value by which two are the same.
const flat = 1e-9

// far is how many times its own height a range must be away from zero to be drawn without it.
const far = 2

// bounds returns a range to draw values from lo to hi in. A percentage is drawn from 0 to 100 and others from zero,
// unless that is far; then the range is a fifth of the values at least, so that a wiggle looks like one.
func bounds(lo, hi float64, unit string) (from, to float64) {
	size := max(math.Abs(lo), math.Abs(hi))
	switch {
	case unit == "Percent":
		return min(lo, 0), max(hi, 100)
	case size < 1/drawable:
		return 0, 1
	case min(math.Abs(lo), math.Abs(hi)) <= far*(hi-lo):
		return min(lo, 0), max(hi, 0)
	}
	room := max(0, size/5-(hi-lo)) / 2
	return lo - room, hi + room
}

// valueTicks returns round values, a step apart, that enclose lo to hi in about n steps.
func valueTicks(lo, hi float64, n int) (ticks []float64, step float64) {
	step = roundStep((hi - lo) / float64(n))
	first, last := math.Floor(lo/step+flat), math.Ceil(hi/step-flat)
	for i := first; i <= last; i++ {
		ticks = append(ticks, i*step)
	}
	return ticks, step
}

// roundStep returns the least of 1, 2, 2.5, 5 and 10, times a power of ten, that is not below raw.
func roundStep(raw float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if raw <= m*power*(1+flat) {
			return m * power
		}
	}
	return 10 * power
}

const day = 24 * time.Hour

// timeSteps are the distances that a time axis may have between its ticks.
var timeSteps = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	day, 3 * day, 7 * day,
}

// timeTicks returns at most n+1 round times of the zone between from and to. The one more is for a time that is a
// little longer than a round one, as it ends now.
func timeTicks(from, to time.Time, zone *time.Location, n int) (ticks []time.Time, step time.Duration) {
	step = timeSteps[len(timeSteps)-1]
	for _, s := range timeSteps {
		if to.Sub(from) < time.Duration(n+1)*s {
			step = s
			break
		}
	}
	for t := nextRound(from.In(zone).Add(-1), step); !t.After(to); t = nextRound(t, step) {
		ticks = append(ticks, t)
	}
	return ticks, step
}

// nextRound returns the first time after t at which the clock on the wall shows a multiple of step.
func nextRound(t time.Time, step time.Duration) time.Time {
	next := t.Add(step - wall(t)%step)
	if step <= time.Hour {
		return next // clocks are changed by hours
	}
	// Where the clocks were changed in between, next is off by the difference. A midnight that does not exist has no
	// better time than next.
	if better := next.Add(offset(t) - offset(next)); better.After(t) && wall(better)%step == 0 {
		return better
	}
	return next
}

// wall is what the clock on the wall shows, as the time since it showed the start of 1970.
func wall(t time.Time) time.Duration {
	return time.Duration(t.UnixNano()) + offset(t)
}

func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// timeLabel names a tick: the date where a day begins, the time elsewhere.
func timeLabel(t time.Time, step time.Duration) string {
	if step >= day || wall(t)%day == 0 {
		return t.Format("2 Jan")
	}
	return t.Format("15:04")
}
