// Package testlog is a log for tests: it keeps what is said, and can be asked and waited on.
package testlog

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Log keeps the lines that are written to it. Its zero value is an empty one; its methods are safe for concurrent
// use.
type Log struct {
	mu      sync.Mutex // guards the fields below
	lines   []string
	read    int           // how many lines Next has returned
	changed chan struct{} // closed by the next line; nil while nobody waits
}

// Write takes a line, or several.
func (l *Log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(string(text)) {
		l.lines = append(l.lines, strings.TrimSuffix(line, "\n"))
	}
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return len(text), nil
}

// Reset forgets all lines.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines, l.read = nil, 0
}

// String is all that was said.
func (l *Log) String() string { return strings.Join(l.With(), "\n") }

// With returns the lines that hold all parts; all lines, if there are no parts.
func (l *Log) With(parts ...string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.with(parts)
}

// Count is how many lines hold all parts.
func (l *Log) Count(parts ...string) int { return len(l.With(parts...)) }

func (l *Log) with(parts []string) (found []string) {
	for _, line := range l.lines {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			found = append(found, line)
		}
	}
	return found
}

// Await returns when n lines hold all parts, with these lines. An error, which is that of the context, shows the end
// of the log.
func (l *Log) Await(ctx context.Context, n int, parts ...string) (found []string, err error) {
	err = l.until(ctx, func() bool { found = l.with(parts); return len(found) >= n })
	if err != nil {
		err = fmt.Errorf("waiting for %q in the log: %w: %s", parts, err, l.tail())
	}
	return found, err
}

// Want returns the first line that holds all parts, when it is there. It ends the test if ctx ends before.
func (l *Log) Want(ctx context.Context, t testing.TB, parts ...string) string {
	t.Helper()
	found, err := l.Await(ctx, 1, parts...)
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}

// patience ends a test that would hang; no test waits for it.
const patience = time.Minute

// Next returns the first line that it has not returned before, when it is there. It ends the test if none comes.
func (l *Log) Next(t testing.TB) (line string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := l.until(ctx, func() bool {
		if l.read >= len(l.lines) {
			return false
		}
		line = l.lines[l.read]
		l.read++
		return true
	}); err != nil {
		t.Fatalf("waiting for a line of the log: %v", err)
	}
	return line
}

// Left is how many lines Next has still to return.
func (l *Log) Left() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines) - l.read
}

// until returns when it is so, which is asked with the mutex held.
func (l *Log) until(ctx context.Context, so func() bool) error {
	for {
		l.mu.Lock()
		if so() {
			l.mu.Unlock()
			return nil
		}
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if ctx.Err() != nil { // asked once more since
			return ctx.Err()
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// shown lines are the end of a log.
const shown = 20

func (l *Log) tail() string {
	lines := l.With()
	return strings.Join(lines[max(0, len(lines)-shown):], "\n")
}
