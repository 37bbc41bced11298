package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// The kinds of write errors.
const (
	noErrors  = "none"
	dataFails = "data"     // all blocks of files fail for a while
	logFails  = "log"      // those of the log do
	logDies   = "log dies" // they do until the power is cut
)

// A plan is what happens before one cut.
type plan struct {
	live   time.Duration // of load before anything goes wrong
	errors string
	length time.Duration // of the errors
	kill   bool          // the program is ended after them: the gateway killed, the agent stopped in order
	after  time.Duration // from there to the cut
	again  bool          // the power is cut once more while the program starts again,
	within time.Duration // so long after the machine is up
}

// makePlan draws one. The same seed and cut give the same plan.
func makePlan(seed uint64, cut int, errors bool) (plan, *rand.Rand) {
	chance := rand.New(rand.NewPCG(seed, uint64(cut))) //nolint:gosec // a schedule, no secret; a cut is not negative
	between := func(from, to time.Duration) time.Duration {
		return from + time.Duration(chance.Int64N(int64(to-from)))
	}
	p := plan{live: between(3*time.Second, 10*time.Second), errors: noErrors, after: between(0, 5*time.Second)}
	if p.again = chance.IntN(3) == 0; p.again {
		p.within = between(200*time.Millisecond, 4*time.Second)
	}
	if !errors {
		p.after = 0
		return p, chance
	}
	p.errors = []string{dataFails, logFails, dataFails, logDies}[chance.IntN(4)]
	p.length = between(500*time.Millisecond, time.Second)
	if p.kill = chance.IntN(3) == 0; p.kill {
		p.after += 4 * time.Second // it comes back meanwhile
	}
	return p, chance
}

// recovery is how long the agent may need to use its folder again.
const recovery = 5*time.Minute + 10*time.Second

// forAgent makes it one for the agent: an fsync falls into the errors, and each fifth cut comes when the agent has had
// time to write again what failed.
func (p plan) forAgent(cut int) plan {
	p.live += 8 * time.Second
	if p.errors == noErrors {
		return p
	}
	p.errors, p.length = dataFails, p.length+6*time.Second
	p.kill, p.after = cut%5 != 2, 2*p.after
	if cut%5 == 4 {
		p.kill, p.after = false, recovery+2*syncTime
	}
	return p
}

func (p plan) String() string {
	text := fmt.Sprintf("%s of load", p.live.Round(100*time.Millisecond))
	if p.errors != noErrors {
		text += fmt.Sprintf(", errors (%s) for %s", p.errors, p.length.Round(10*time.Millisecond))
	}
	if p.kill {
		text += ", program ended"
	}
	text += fmt.Sprintf(", %s more", p.after.Round(100*time.Millisecond))
	if p.again {
		text += fmt.Sprintf(", cut again %s after the start", p.within.Round(100*time.Millisecond))
	}
	return text
}
