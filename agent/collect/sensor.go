package collect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"piway/shared/clock"
	"piway/shared/sample"
)

// errHangs is told of a sensor whose reading has not come back, such as a network mount without its server.
var errHangs = errors.New("reading hangs")

// A source reads what belongs together and adds each value to out. Its error is why values are missing: ErrAbsent,
// ErrEarly, or a fault. Values that were added count all the same.
type source func(ctx context.Context, out *found) error

// found is what one reading of a source gave.
type found struct {
	samples    []sample.Sample
	attributes map[string]string
	left       int // samples that were there and may not be sent
	err        error
}

// add adds a value, rounded to two decimals. A name or a value that CloudWatch does not take is left out and counted.
func (f *found) add(name, unit string, value float64) {
	switch err := sample.CheckName(name); {
	case err != nil:
		f.leave(1, err)
	case strings.TrimSpace(name) != name: // it would be taken for another, whose name ends before
		f.leave(1, fmt.Errorf("name %q: begins or ends with a space", name))
	case slices.ContainsFunc(f.samples, func(s sample.Sample) bool { return s.Name == name }):
		f.leave(1, fmt.Errorf("name %q: two have it", name))
	case math.IsNaN(value) || math.IsInf(value, 0):
		f.leave(1, fmt.Errorf("reading gave %v", value))
	default:
		f.samples = append(f.samples, newSample(name, unit, value))
	}
}

// say adds an attribute; an empty one is none.
func (f *found) say(key, value string) {
	if value == "" {
		return
	}
	if f.attributes == nil {
		f.attributes = map[string]string{}
	}
	f.attributes[key] = value
}

// leave counts n samples that are left out. The first reason is told.
func (f *found) leave(n int, why error) {
	f.left += n
	if f.err == nil {
		f.err = why
	}
}

// atMost returns the first n of all. Each of the others would have given so many samples, which are left out.
func atMost[T any](f *found, all []T, n, each int, what string) []T {
	if len(all) <= n {
		return all
	}
	f.leave((len(all)-n)*each, fmt.Errorf("more than %d %s: the others are left out", n, what))
	return all[:n]
}

func newSample(name, unit string, value float64) sample.Sample {
	return sample.Sample{
		Name: name, Unit: unit, Value: rounded(value),
		Time: sample.Seconds(clock.Now().Truncate(time.Millisecond)),
	}
}

// A sensor is one source, and what is known of it.
type sensor struct {
	name  string // of its metric, or of what its metrics have in common
	local bool
	read  source

	complaint  string            // told last
	attributes map[string]string // said last
	attempt[found]
}

// note logs a sensor's change between working and not.
func (s *sensor) note(log *slog.Logger, err error) {
	complaint := ""
	if err != nil {
		complaint = err.Error()
	}
	if complaint == s.complaint || errors.Is(err, ErrEarly) {
		return
	}
	cameBack := s.complaint == ErrAbsent.Error()
	s.complaint = complaint
	level := slog.LevelInfo
	if s.local && (cameBack || errors.Is(err, ErrAbsent)) { // most machines lack some, and Wi-Fi comes and goes
		level = slog.LevelDebug
	}
	switch {
	case err == nil:
		log.Log(context.Background(), level, "sensor works again", "metric", s.name)
	case errors.Is(err, ErrAbsent):
		log.Log(context.Background(), level, "no such sensor", "metric", s.name)
	default:
		log.Warn("sensor fails", "metric", s.name, "err", err)
	}
}

// guarded runs a source. What it added before it panicked counts.
func guarded(ctx context.Context, read source) (f found) {
	defer func() {
		if p := recover(); p != nil {
			f.err = fmt.Errorf("reading panicked: %v", p)
		}
	}()
	if err := read(ctx, &f); err != nil {
		f.err = err
	}
	return f
}

// An attempt is something that is done in a goroutine, because a system call on a dead mount cannot be interrupted.
type attempt[T any] struct {
	running chan T // what is under way, nil if nothing is
	stuck   bool   // it was under way already when it was to be started again
}

// start begins it. While one hangs no other is begun.
func (a *attempt[T]) start(ctx context.Context, do func(context.Context) T) {
	select {
	case <-a.running: // the late answer to an earlier call
		a.running = nil
	default:
	}
	if a.stuck = a.running != nil; a.stuck {
		return
	}
	running := make(chan T, 1)
	a.running = running
	go func() { running <- do(ctx) }()
}

// hangs reports whether it is still under way.
func (a *attempt[T]) hangs() bool { return a.running != nil && len(a.running) == 0 }

// wait returns its result, or false when ctx ends first; at once if it was stuck already.
func (a *attempt[T]) wait(ctx context.Context) (result T, ok bool) {
	if !a.stuck {
		select {
		case result = <-a.running:
			a.running = nil
			return result, true
		case <-ctx.Done():
		}
	}
	select { // another may have used up the time
	case result = <-a.running:
		a.running = nil
		return result, true
	default:
		return result, false
	}
}
