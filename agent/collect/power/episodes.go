package power

import "time"

// episodes counts how often and for how long a condition held, such as under-voltage. The zero value is one that does
// not hold. Times are of the monotonic clock: a step of the wall clock changes nothing, and while the machine is
// suspended, when nobody looks, no time passes.
type episodes struct {
	on    bool
	begun time.Time // of the running episode
	until time.Time // when the running episode ends by itself; zero for one that is told to end
	told  time.Time // up to when the running episode is in the amounts below

	amounts
}

// amounts are what has been counted since the last reading.
type amounts struct {
	number  int           // episodes that began
	held    time.Duration // the time of all that lies since the last reading
	longest time.Duration // of those that ran since the last reading, from their own beginning
}

// set tells that the condition holds now, or that it does not.
func (e *episodes) set(on bool, now time.Time) { e.setFor(on, 0, now) }

// setFor is set for a condition of which it is only known that it does not hold for longer than most; 0 is no bound.
// A new bound changes nothing of an episode that runs.
func (e *episodes) setFor(on bool, most time.Duration, now time.Time) {
	e.settle(now)
	switch {
	case on && !e.on:
		e.on, e.begun, e.told, e.until = true, now, now, time.Time{}
		e.number++
		if most > 0 {
			e.until = now.Add(most)
		}
	case on && most == 0:
		e.until = time.Time{} // it is known now that it goes on
	case !on:
		e.on = false
	}
}

// take returns the amounts up to now and begins the next ones. An episode that runs on is counted once, its seconds in
// each of the readings that it spans.
func (e *episodes) take(now time.Time) amounts {
	e.settle(now)
	taken := e.amounts
	e.amounts = amounts{}
	return taken
}

// settle brings the amounts up to now.
func (e *episodes) settle(now time.Time) {
	if !e.on {
		return
	}
	ended := !e.until.IsZero() && !now.Before(e.until)
	if ended {
		now = e.until
	}
	if by := now.Sub(e.told); by > 0 {
		e.held += by
		e.told = now
	}
	e.longest = max(e.longest, now.Sub(e.begun))
	e.on = !ended
}
