package world

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"piway/localcore/localcore"
)

// Samples are all that devices made. The value of a sample is its number, so that a datum of one sample says which it
// is. The methods are safe for concurrent use.
type Samples struct {
	book Book[int]

	mu         sync.Mutex // guards the fields below
	all        []Sample
	wrong      int
	firstWrong string
}

// A Sample is what a device made.
type Sample struct {
	Device, Name string
	Time         time.Time
	Timeless     bool      // the gateway was not told the time
	Acked        time.Time // when the device first got the PUBACK; zero before
	Came         time.Time // when CloudWatch first took it; zero before
}

// A Verdict is what became of samples.
type Verdict struct {
	Counts

	Made  int
	Wrong int // datums of no sample, or of one that had not this name or this time

	FirstLost, FirstWrong string // "" if there is none
}

// Minus is what has come since an earlier verdict.
func (v Verdict) Minus(w Verdict) Verdict {
	v.Counts, v.Made, v.Wrong = v.Counts.Minus(w.Counts), v.Made-w.Made, v.Wrong-w.Wrong
	return v
}

// Plus is the sum of two.
func (v Verdict) Plus(w Verdict) Verdict {
	w.Counts, w.Made, w.Wrong = v.Counts.Plus(w.Counts), v.Made+w.Made, v.Wrong+w.Wrong
	return w
}

// Made books a sample that a device is about to send; the number is to be its value.
func (s *Samples) Made(one Sample) (number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, one)
	return len(s.all) - 1
}

// Acked books that a device got the PUBACK for samples, for the first time or again.
func (s *Samples) Acked(numbers ...int) {
	s.mu.Lock()
	for _, n := range numbers {
		if s.all[n].Acked.IsZero() {
			s.all[n].Acked = time.Now()
		}
	}
	s.mu.Unlock()
	for _, n := range numbers {
		s.book.Acked(n)
	}
}

// window of the rollup, whose start is the time of a datum in the metric form.
const window = time.Second

// Took books a datum that CloudWatch took and returns its sample, false if it is of none.
func (s *Samples) Took(d *localcore.Recorded) (one Sample, ok bool) {
	name, device := Named(d)
	n := int(d.Value)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < 0 || n >= len(s.all) || d.Value != float64(n) || s.all[n].Name != name || s.all[n].Device != device {
		s.isWrong("%s of %s: %v at %s was never made", name, device, d.Value, d.Timestamp)
		return one, false
	}
	s.book.Came(n)
	if s.all[n].Came.IsZero() {
		s.all[n].Came = d.Received
	}
	one = s.all[n]
	if off := d.Timestamp.Sub(one.Time); !one.Timeless && off.Abs() > window {
		s.isWrong("%s of %s, taken at %s, is off by %s", name, device, one.Time.Format(clockTime), off)
	}
	return one, true
}

const clockTime = "15:04:05.000"

// isWrong counts, and keeps the first text. The mutex is held.
func (s *Samples) isWrong(format string, args ...any) {
	if s.wrong++; s.wrong == 1 {
		s.firstWrong = fmt.Sprintf(format, args...)
	}
}

// Named is the name of a datum's metric without that of its device, and its device.
func Named(d *localcore.Recorded) (name, device string) {
	if device = d.Dimensions["device"]; device != "" {
		return d.Name, device
	}
	name, device, _ = strings.Cut(strings.TrimSuffix(d.Name, ")"), " (")
	return name, device
}

// Take books all that came into a record since the last call.
func (s *Samples) Take(r *Record) error {
	all, err := r.New()
	for _, d := range all {
		s.Took(&d)
	}
	return err
}

// Wait returns true when it is so, false when ctx ends before.
func (s *Samples) Wait(ctx context.Context, so func(Counts) bool) bool { return s.book.Wait(ctx, so) }

// All are those that were made so far, by their numbers.
func (s *Samples) All() []Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// Verdict is that of this moment.
func (s *Samples) Verdict() Verdict {
	lost, some := s.book.Lost()
	s.mu.Lock()
	defer s.mu.Unlock()
	v := Verdict{Counts: s.book.Counts(), Made: len(s.all), Wrong: s.wrong, FirstWrong: s.firstWrong}
	if some {
		one := s.all[lost]
		v.FirstLost = fmt.Sprintf("sample %d, %s of %s, of %s, is lost", lost, one.Name, one.Device,
			one.Time.Format(clockTime))
	}
	return v
}
