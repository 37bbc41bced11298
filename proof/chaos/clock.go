package main

import (
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"piway/shared/clock"
)

// A wall is the clock of a program, which can be set while the program runs.
type wall struct {
	path string

	mu     sync.Mutex // guards states
	states []state    // oldest first
}

// A state of a clock holds until the next one.
type state struct {
	from   time.Time
	offset time.Duration
	synced bool // what the kernel says
}

// newWall returns a clock that is right.
func newWall(path string) (*wall, error) {
	w := &wall{path: path}
	return w, w.set(0, true)
}

// env lets a program have this clock.
func (w *wall) env() []string { return []string{clock.Variable + "=@" + w.path} }

// set sets the clock off by so much.
func (w *wall) set(offset time.Duration, synced bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	word := map[bool]string{true: "synced", false: "unsynced"}[synced]
	if err := os.WriteFile(w.path+".new", fmt.Appendf(nil, "%s,%s\n", offset, word), 0o600); err != nil {
		return err
	}
	w.states = append(w.states, state{time.Now(), offset, synced})
	return os.Rename(w.path+".new", w.path)
}

// right sets the clock right.
func (w *wall) right() error { return w.set(0, true) }

const (
	// tolerance of intake.clock_tolerance, a window, and a second for a machine that is busy.
	tolerance = 3 * time.Second
	// reaction is what a program takes to do what the clock of a moment ago told it.
	reaction = 3 * time.Second
)

// endOf returns when the next state began, far in the future for the last. w.mu is held.
func (w *wall) endOf(i int) time.Time {
	if i+1 < len(w.states) {
		return w.states[i+1].from
	}
	return time.Unix(math.MaxInt32, 0)
}

// explains reports whether a time that is off by something from least to most may be shown to have come so: the clock
// of the gateway that dated it said that it was right, and was not; or it has not been right since, so that nobody
// could know.
func (w *wall) explains(least, most time.Duration, received time.Time) bool {
	off := func(by time.Duration) bool { return by >= least-tolerance && by <= most+tolerance }
	if off(0) {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, s := range w.states {
		end := w.endOf(i)
		switch {
		case s.from.After(received):
		case s.synced && s.offset != 0 && off(s.offset):
			return true
		case !s.synced && received.Before(end.Add(reaction)):
			return true
		}
	}
	return false
}
