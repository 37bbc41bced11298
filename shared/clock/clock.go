// Package clock asks the kernel whether this machine's clock is right. Its one promise: it does not guess; a system that
// cannot be asked is neither right nor wrong.
package clock

// A State is what the kernel says of its clock.
type State int

// The states. Unknown is a system that cannot be asked.
const (
	Unknown State = iota
	Synced
	Unsynced
)
