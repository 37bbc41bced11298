package reading

import "time"

// A Tally remembers the kernel's counters, to tell by how much they have grown since the last reading.
type Tally struct {
	at   time.Time        // not the wall clock's, and it stands still while the machine sleeps, as the counters do
	Last map[string]Count // nil to begin anew
}

// A Count is the state of one counter.
type Count struct {
	Value uint64
	Of    string // whose it is: where another device has taken the name, counting begins anew
}

// fastest is more than anything here grows in a second, which is 100 GB of what is counted in bytes. Above it a driver
// has made up a number, as one does that counts below 0.
const fastest = 100e9

// Since takes the counters as they are now. It returns by how much each has grown, and in which time. A counter is
// missing that is new, that went back (it was reset, or it wrapped at 32 bits), or that belongs to another device now.
// Before the second call, and where no time has passed, all are missing.
func (t *Tally) Since(now map[string]Count) (map[string]float64, time.Duration) {
	at := time.Now()
	elapsed := at.Sub(t.at)
	if t.Last != nil && elapsed <= 0 {
		return nil, 0 // the older counters stay
	}
	last := t.Last
	t.at, t.Last = at, now
	if last == nil {
		return nil, 0
	}
	grown := map[string]float64{}
	for name, n := range now {
		l, ok := last[name]
		if !ok || l.Of != n.Of || n.Value < l.Value {
			continue
		}
		if by := float64(n.Value - l.Value); by <= fastest*elapsed.Seconds() {
			grown[name] = by
		}
	}
	return grown, elapsed
}

// lag is by how much a counter of time may be ahead of the clock: the kernel brings it up to date now and then.
const lag = 3 * time.Second

// Share returns how much of elapsed a counter of time has grown by, in percent, or false if it counted what cannot be.
func Share(grown, elapsed time.Duration) (float64, bool) {
	if elapsed <= 0 || grown > elapsed+lag {
		return 0, false
	}
	return min(100, 100*float64(grown)/float64(elapsed)), true
}
