package clock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Variable is the environment variable that sets the clock for tests.
const Variable = "PIWAY_CLOCK"

// A pretence is what Variable asks for; nil is the machine's own clock.
type pretence struct {
	offset time.Duration
	state  State
	stated bool
}

// A source is where pretences come from: one, or a file that holds the one of the moment.
type source struct {
	path  string                   // of the file, "" without
	known atomic.Pointer[pretence] // the last one that was understood
}

var variable = sync.OnceValues(func() (*source, error) { return open(os.Getenv(Variable)) })

// Check returns an error if Variable is set and not understood, and whether it is set.
func Check() (set bool, err error) {
	s, err := variable()
	return s != nil, err
}

// pretended is the pretence of the moment.
func pretended() *pretence {
	s, _ := variable() // Check has told the error
	if s == nil {
		return nil
	}
	_ = s.look() // a file that is just being written: as before
	return s.known.Load()
}

// open returns nil where nothing is asked for, or not in words that are understood.
func open(text string) (*source, error) {
	s := &source{}
	path, isFile := strings.CutPrefix(text, "@")
	if isFile {
		s.path = path
		if err := s.look(); err != nil {
			return nil, err
		}
		return s, nil
	}
	p, err := parse(text)
	if p == nil || err != nil {
		return nil, err
	}
	s.known.Store(p)
	return s, nil
}

// look reads the file, if there is one. Without it the clock is the machine's own; text that is not understood, none
// included, is an error and changes nothing.
func (s *source) look() error {
	if s.path == "" {
		return nil
	}
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		s.known.Store(nil)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", Variable, err)
	}
	p, err := parse(strings.TrimSpace(string(text)))
	if err == nil && p == nil {
		err = fmt.Errorf("%s: %s is empty", Variable, s.path)
	}
	if err == nil {
		s.known.Store(p)
	}
	return err
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
