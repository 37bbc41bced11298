package reading

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"piway/agent/collect/host"
	"piway/shared/clock"
	"piway/shared/sample"
)

// ErrEarly is told of what needs a second reading. It is no fault.
var ErrEarly = errors.New("not known yet")

// A Source reads what belongs together and adds each value to out. Its error is why values are missing: host.ErrAbsent,
// ErrEarly, or a fault. Values that were added count all the same.
type Source func(ctx context.Context, out *Found) error

// Found is what one reading of a source gave.
type Found struct {
	Samples    []sample.Sample
	Attributes map[string]string
	Left       int // samples that were there and may not be sent
	Err        error
}

// Add adds a value, rounded to two decimals. A name or a value that CloudWatch does not take is left out and counted.
func (f *Found) Add(name, unit string, value float64) {
	switch err := sample.CheckName(name); {
	case err != nil:
		f.leave(1, err)
	case strings.TrimSpace(name) != name: // it would be taken for another, whose name ends before
		f.leave(1, fmt.Errorf("name %q: begins or ends with a space", name))
	case slices.ContainsFunc(f.Samples, func(s sample.Sample) bool { return s.Name == name }):
		f.leave(1, fmt.Errorf("name %q: two have it", name))
	case math.IsNaN(value) || math.IsInf(value, 0):
		f.leave(1, fmt.Errorf("reading gave %v", value))
	default:
		f.Samples = append(f.Samples, NewSample(name, unit, value))
	}
}

// Say adds an attribute; an empty one is none.
func (f *Found) Say(key, value string) {
	if value == "" {
		return
	}
	if f.Attributes == nil {
		f.Attributes = map[string]string{}
	}
	f.Attributes[key] = value
}

// leave counts n samples that are left out. The first reason is told.
func (f *Found) leave(n int, why error) {
	f.Left += n
	if f.Err == nil {
		f.Err = why
	}
}

// AtMost returns the first n of all. Each of the others would have given so many samples, which are left out.
func AtMost[T any](f *Found, all []T, n, each int, what string) []T {
	if len(all) <= n {
		return all
	}
	f.leave((len(all)-n)*each, fmt.Errorf("more than %d %s: the others are left out", n, what))
	return all[:n]
}

// NewSample dates a value now, and rounds it to two decimals.
func NewSample(name, unit string, value float64) sample.Sample {
	return sample.Sample{
		Name: name, Unit: unit, Value: rounded(value),
		Time: sample.Seconds(clock.Now().Truncate(time.Millisecond)),
	}
}

// Guarded runs a source. What it added before it panicked counts.
func Guarded(ctx context.Context, read Source) (f Found) {
	defer func() {
		if p := recover(); p != nil {
			f.Err = fmt.Errorf("reading panicked: %v", p)
		}
	}()
	if err := read(ctx, &f); err != nil {
		f.Err = err
	}
	return f
}

// Worse returns which of two reasons is to be told: a fault rather than an absence, and of two the first.
func Worse(a, b error) error {
	if a == nil || errors.Is(a, host.ErrAbsent) && b != nil && !errors.Is(b, host.ErrAbsent) {
		return b
	}
	return a
}
