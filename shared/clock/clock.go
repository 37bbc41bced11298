// Package clock is this machine's wall clock, and what the kernel says of it. Its one promise: it does not guess; a
// system that cannot be asked is neither right nor wrong.
//
// For tests the environment variable PIWAY_CLOCK gives a program another clock: an offset, and perhaps what the kernel
// is to have said, as in "+1h", "-30m,unsynced" or "0s,synced". "@/a/file" reads one of these from a file whenever the
// clock is asked, so that a test can step the clock of a running program.
package clock

import "time"

// A State is what the kernel says of its clock.
type State int

// The states. Unknown is a system that cannot be asked.
const (
	Unknown State = iota
	Synced
	Unsynced
)

// Now is the wall clock's time, to date things by. How long something takes is no business of it: a duration is
// measured from time.Now, which carries a monotonic reading that a step does not touch, or from SinceBoot.
func Now() time.Time {
	if p := pretended(); p != nil {
		return time.Now().Add(p.offset)
	}
	return time.Now()
}

// Read asks whether a time service keeps the clock right. It needs no privilege and starts no process.
func Read() State {
	if p := pretended(); p != nil && p.stated {
		return p.state
	}
	return kernel()
}
