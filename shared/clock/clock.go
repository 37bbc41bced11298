// Package clock is this machine's wall clock, and what the kernel says of it. Its one promise: it does not guess; a system
// that cannot be asked is neither right nor wrong.
//
// For tests the environment variable PIWAY_CLOCK starts a program with another clock: an offset, and perhaps what the
// kernel is to have said, as in "+1h", "-30m,unsynced" or "0s,synced".
package clock

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// A State is what the kernel says of its clock.
type State int

// The states. Unknown is a system that cannot be asked.
const (
	Unknown State = iota
	Synced
	Unsynced
)

// Variable is the environment variable that sets the clock for tests.
const Variable = "PIWAY_CLOCK"

// A pretence is what Variable asks for; nil is the machine's own clock.
type pretence struct {
	offset time.Duration
	state  State
	stated bool
}

var pretended = sync.OnceValues(func() (*pretence, error) { return parse(os.Getenv(Variable)) })

// Check returns an error if Variable is set and not understood, and whether it is set.
func Check() (set bool, err error) {
	p, err := pretended()
	return p != nil, err
}

// Now is the wall clock's time.
func Now() time.Time {
	if p, _ := pretended(); p != nil { // Check has told the error
		return time.Now().Add(p.offset)
	}
	return time.Now()
}

// Read asks whether a time service keeps the clock right. It needs no privilege and starts no process.
func Read() State {
	if p, _ := pretended(); p != nil && p.stated { // as above
		return p.state
	}
	return kernel()
}

func parse(text string) (*pretence, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nothing is asked for
	}
	offset, state, stated := strings.Cut(text, ",")
	d, err := time.ParseDuration(offset)
	if err != nil {
		return nil, fmt.Errorf("%s=%q: not an offset like +1h or -30m: %w", Variable, text, err)
	}
	p := &pretence{offset: d, stated: stated}
	switch {
	case !stated:
	case state == "synced":
		p.state = Synced
	case state == "unsynced":
		p.state = Unsynced
	default:
		return nil, fmt.Errorf("%s=%q: %q is neither synced nor unsynced", Variable, text, state)
	}
	return p, nil
}
