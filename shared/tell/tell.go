// Package tell is the log of what strangers and devices can cause. Its one promise: the first of a kind is told in
// full, the others are counted, and neither the log nor memory grows with how often or by how many a thing is done.
//
// A kind is a message and a subject: the device or the address that is the cause. After its first line comes one with
// the number of the others after a minute, then one an hour. A kind that was quiet for an hour is told in full again.
package tell

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	soon  = time.Minute // from the first of a kind to the first count
	later = time.Hour   // from count to count
	// maxSubjects of one message have lines of their own; all others are counted as one.
	maxSubjects = 100
	// maxText is how many bytes of a foreign text are told.
	maxText = 250
)

// A Teller writes such a log. Its methods are safe for concurrent use.
type Teller struct {
	log *slog.Logger

	mu       sync.Mutex // guards the fields below
	kinds    map[key]*kind
	subjects map[string]int // of each message
	timer    *time.Timer    // nil when nothing is counted
	closed   bool
}

type key struct {
	msg, subject string
	others       bool // all subjects that are too many
}

type kind struct {
	level slog.Level
	since time.Time // the line before
	every time.Duration
	more  int   // since then
	args  []any // of the newest
}

// New returns a Teller. It runs nothing until something is told.
func New(log *slog.Logger) *Teller {
	return &Teller{log: log, kinds: map[key]*kind{}, subjects: map[string]int{}}
}

// Tell logs a message, or counts it if its kind was told already. Messages are constant, subjects are anybody's, args
// are slog's alternating keys and values. Texts in them are clipped unless they are of type Own.
func (t *Teller) Tell(level slog.Level, subject, msg string, args ...any) {
	args = clipAll(args)
	if k, first := t.count(level, key{msg: msg, subject: Clip(subject)}, args); first {
		if k.others {
			args = append(args, "others", fmt.Sprintf("more than %d did that, the rest is counted together", maxSubjects))
		}
		t.log.Log(context.Background(), level, msg, args...)
	}
}

// count notes one of a kind. It returns as which, and whether that is the first and to be told.
func (t *Teller) count(level slog.Level, k key, args []any) (as key, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kinds[k] == nil && t.subjects[k.msg] >= maxSubjects {
		k = key{msg: k.msg, others: true}
	}
	if known := t.kinds[k]; known != nil {
		known.more++
		known.args = args
		return k, false
	}
	if !k.others {
		t.subjects[k.msg]++
	}
	t.kinds[k] = &kind{level: level, since: time.Now(), every: soon, args: args}
	t.arm()
	return k, true
}

// arm sets the timer to the next line. t.mu is held.
func (t *Teller) arm() {
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	if t.closed || len(t.kinds) == 0 {
		return
	}
	next := later
	for _, k := range t.kinds {
		next = min(next, k.every-time.Since(k.since))
	}
	t.timer = time.AfterFunc(max(next, 0), t.tellCounts)
}

// tellCounts writes the lines that are due.
func (t *Teller) tellCounts() {
	for _, line := range t.due(false) {
		line()
	}
}

// due returns the lines to write now, of all kinds that were counted if all. The log is not written under the lock: it
// may be slow, and who tells would wait.
func (t *Teller) due(all bool) (lines []func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, k := range t.kinds {
		passed := time.Since(k.since)
		switch {
		case !all && passed < k.every:
		case k.more > 0:
			level, args := k.level, append(k.args, "more", k.more, "in", passed.Round(time.Second).String())
			lines = append(lines, func() { t.log.Log(context.Background(), level, key.msg, args...) })
			k.since, k.every, k.more = time.Now(), later, 0
		case k.every == soon:
			k.every = later
		default:
			t.forget(key)
		}
	}
	t.arm()
	return lines
}

func (t *Teller) forget(k key) {
	delete(t.kinds, k)
	if k.others {
		return
	}
	if t.subjects[k.msg]--; t.subjects[k.msg] == 0 {
		delete(t.subjects, k.msg)
	}
}

// Close tells what is counted and not told. What is told afterwards is counted for nobody, but for the first of a kind.
func (t *Teller) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	for _, line := range t.due(true) {
		line()
	}
}

// Own is a text of the program's own, such as a stack, which is told whole.
type Own string

func clipAll(args []any) []any {
	out := make([]any, len(args), len(args)+4)
	for i, a := range args {
		switch v := a.(type) {
		case Own:
			out[i] = string(v)
		case string:
			out[i] = Clip(v)
		case error:
			out[i] = Clip(v.Error())
		case fmt.Stringer:
			out[i] = Clip(v.String())
		default:
			out[i] = a
		}
	}
	return out
}

// Clip returns the beginning of a foreign text, for a log whose handler quotes it.
func Clip(s string) string {
	if len(s) <= maxText {
		return strings.Clone(s) // not a part of a packet, which it would keep
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}
