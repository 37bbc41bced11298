package collect

import "time"

// A tally remembers the kernel's counters, to tell by how much they have grown since the last reading.
type tally struct {
	at   time.Time // not the wall clock's, and it stands still while the machine sleeps, as the counters do
	last map[string]count
}

// A count is the state of one counter.
type count struct {
	value uint64
	of    string // whose it is: where another device has taken the name, counting begins anew
}

// fastest is more than anything here grows in a second, which is 100 GB of what is counted in bytes. Above it a driver
// has made up a number, as one does that counts below 0.
const fastest = 100e9

// since takes the counters as they are now. It returns by how much each has grown, and in which time. A counter is
// missing that is new, that went back (it was reset, or it wrapped at 32 bits), or that belongs to another device now.
// Before the second call, and where no time has passed, all are missing.
func (t *tally) since(now map[string]count) (map[string]float64, time.Duration) {
	at := time.Now()
	elapsed := at.Sub(t.at)
	if t.last != nil && elapsed <= 0 {
		return nil, 0 // the older counters stay
	}
	last := t.last
	t.at, t.last = at, now
	if last == nil {
		return nil, 0
	}
	grown := map[string]float64{}
	for name, n := range now {
		l, ok := last[name]
		if !ok || l.of != n.of || n.value < l.value {
			continue
		}
		if by := float64(n.value - l.value); by <= fastest*elapsed.Seconds() {
			grown[name] = by
		}
	}
	return grown, elapsed
}

// lag is by how much a counter of time may be ahead of the clock: the kernel brings it up to date now and then.
const lag = 3 * time.Second

// share returns how much of elapsed a counter of time has grown by, in percent, or false if it counted what cannot be.
func share(grown, elapsed time.Duration) (float64, bool) {
	if elapsed <= 0 || grown > elapsed+lag {
		return 0, false
	}
	return min(100, 100*float64(grown)/float64(elapsed)), true
}
