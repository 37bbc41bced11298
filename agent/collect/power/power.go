package power

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"piway/agent/collect/host"
	"piway/agent/collect/notify"
	"piway/agent/collect/reading"
)

// A Watch counts when a Raspberry Pi's supply or cooling falls short. Two files tell of it. Both also tell when they
// change, so that every episode is counted, and what wakes the agent between two readings is such a change and nothing
// else:
//
//   - in0_lcrit_alarm of the hwmon chip rpi_volt: under-voltage.
//   - get_throttled of the firmware: under-voltage too, and three conditions that nothing else tells. The kernel calls
//     it deprecated and prints a warning with a stack trace when it is first read after a boot. On a system that is set
//     to panic at warnings it is left alone, and then those three are absent.
//
// Behind both the kernel asks the firmware every 2 s: times are as exact as that, and two episodes in one period may be
// one.
//
// What was counted belongs to the reading that takes it, also if its report is lost later. What was counted since the
// last reading is lost when the agent ends.
type Watch struct {
	mu     sync.Mutex // of all that follows
	files  sources
	bits   uint32 // of get_throttled, as read last
	states [Conditions]state

	watched sources            // what is waited for; none if nobody waits
	unwatch context.CancelFunc // ends that
	fault   error              // why it ended
	renewed chan struct{}      // holds one when files are not what is watched
}

// Names begin the names of the metrics.
var Names = [Conditions]string{
	UnderVoltage: "undervoltage", FrequencyCapped: "frequency capped", Throttling: "throttled",
	SoftTemperatureLimit: "soft temperature limit",
}

// New returns a watch that has seen nothing yet.
func New() *Watch { return &Watch{bits: unknown, renewed: make(chan struct{}, 1)} }

// Read tells what was counted since the last reading.
func (w *Watch) Read(ctx context.Context, out *reading.Found) error {
	files := findSources(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.use(files)
	var early [Conditions]bool
	for c := range w.states {
		early[c] = !w.states[c].known
	}
	w.observe(notify.ReadFile)
	if ctx.Err() != nil { // nobody waits any more for what would be taken
		return ctx.Err()
	}
	why := host.ErrAbsent
	if files != (sources{}) {
		why = w.fault
	}
	for c := range w.states {
		if files.tell(c) {
			why = reading.Worse(why, w.states[c].tell(Names[c], early[c], out))
		}
	}
	return why
}

// observe looks at all files. What cannot be read may be in the middle of being written: the next reading judges it.
func (w *Watch) observe(read func(path string) (string, error)) {
	now := time.Now()
	if w.files.alarm != "" {
		holds, err := parsed(w.files.alarm, read, parseAlarm)
		w.states[UnderVoltage].see(holds, 0, err, now)
	}
	if w.files.throttled == "" {
		return
	}
	bits, err := parsed(w.files.throttled, read, parseThrottled)
	for c := range w.states {
		if c != UnderVoltage || w.files.alarm == "" {
			holds, most := judge(c, w.bits, bits)
			w.states[c].see(holds, most, err, now)
		}
	}
	if err == nil {
		w.bits = bits
	}
}

// parsed reads and parses a file.
func parsed[T any](path string, read func(string) (string, error), parse func(string) (T, error)) (value T, err error) {
	text, err := read(path)
	if err == nil {
		value, err = parse(text)
	}
	if err != nil {
		return value, fmt.Errorf("reading %s: %w", filepath.Base(path), err)
	}
	return value, nil
}

// A state is one condition, and what is known of it.
type state struct {
	episodes
	known bool
	fault error     // why it could not be read last
	lost  time.Time // since when
}

// see takes what was read of the condition, or why it was not.
func (s *state) see(holds bool, most time.Duration, err error, now time.Time) {
	if s.fault = err; err != nil {
		if s.lost.IsZero() {
			s.lost = now
		}
		return
	}
	s.known, s.lost = true, time.Time{}
	s.setFor(holds, most, now)
}

// tell adds what was counted, unless it is early: then counting has only begun. While the condition cannot be read
// nothing is known, and what was counted before waits for the reading that can be made.
func (s *state) tell(name string, early bool, out *reading.Found) error {
	switch {
	case s.fault != nil:
		s.set(false, s.lost)
		return s.fault
	case early:
		return reading.ErrEarly
	}
	counted := s.take(time.Now())
	out.Add(name+" seconds", "Seconds", counted.held.Seconds())
	out.Add(name+" episodes", "Count", float64(counted.number))
	out.Add(name+" longest", "Seconds", counted.longest.Seconds())
	return nil
}
