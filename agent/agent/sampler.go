package agent

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"piway/agent/collect"
	"piway/agent/own"
	"piway/agent/publish"
	"piway/shared/backoff"
	"piway/shared/clock"
	"piway/shared/resident"
	"piway/shared/sample"
)

// A sampler turns the machine into readings.
type sampler struct {
	collector *collect.Collector
	machine   machine
	own       *own.Folder
	device    string
	every     time.Duration
	cpu       bool
	live      *publish.Live // may be nil, if nothing goes beside the reports
	log       *slog.Logger

	wanted atomic.Pointer[[]string] // names of local samples that the gateway wants in the reports
}

// A machine gives what goes to the cloud, what stays on the LAN, and what it says of itself.
type machine interface {
	Collect(ctx context.Context) (cloud, local []sample.Sample)
	Attributes() map[string]string
}

// newSampler reads nothing yet. State is the folder in which to remember where disks were mounted, "" for none.
func newSampler(cfg Config, state string, log *slog.Logger) *sampler {
	collector := collect.New(collect.Options{
		Disks: cfg.Collect.Disks, CPU: cfg.Collect.CPU, Temperature: cfg.Collect.Temperature, Memory: cfg.Collect.Memory,
		Health: cfg.Collect.Health, State: state, Log: log.With("part", "collect"),
	})
	return &sampler{
		collector: collector, machine: collector, device: cfg.Name(), every: cfg.Collect.Interval, cpu: cfg.Collect.CPU,
		own: own.New(own.Options{Dir: cfg.Collect.Folder, Device: cfg.Name(), Log: log.With("part", "own")}), log: log,
	}
}

// A keeper keeps readings until they are acknowledged.
type keeper interface{ Add(reading sample.Report) }

// run hands a reading on at every multiple of the interval, until ctx ends.
func (s *sampler) run(ctx context.Context, reports keeper) {
	defer s.own.Close()
	s.collector.Prime(ctx)
	beat := ticks{every: s.every, now: clock.Now}
	var rest resting
	for beat.wait(ctx) == nil {
		reading, beside := s.read(ctx)
		if len(beside.Local) > 0 {
			s.live.Put(beside, len(reading.Samples) == 0) // before the report that takes it along
		}
		if len(reading.Samples) > 0 {
			reports.Add(reading)
		}
		if rest.due(time.Now()) {
			resident.Release()
		}
	}
}

// A resting says when what is not in use is to be let go: when the start is over, and then hourly, since connecting to
// the gateway takes as much.
type resting struct {
	readings int
	last     time.Time
}

const (
	afterStart = 2 // readings
	letGoEvery = time.Hour
)

// due is called at each reading.
func (r *resting) due(now time.Time) bool {
	r.readings++
	if r.readings < afterStart || r.readings > afterStart && now.Sub(r.last) < letGoEvery {
		return false
	}
	r.last = now
	return true
}

// want has local samples of these names put into the reports from now on: those are kept until the gateway has them.
func (s *sampler) want(names []string) { s.wanted.Store(&names) }

// A ticks waits for one multiple of every after another.
type ticks struct {
	every time.Duration
	now   func() time.Time // the wall clock, which may be set at any moment
	last  time.Time
}

// wait waits for the next multiple, or until ctx ends, whose error it then returns. The clock is read once for both,
// what is next and how long that is: set in between, it would stop the readings for as long as it was set back.
func (t *ticks) wait(ctx context.Context) error {
	now := t.now()
	t.last = nextTick(t.last, now, t.every)
	return backoff.Sleep(ctx, t.last.Sub(now))
}

// nextTick returns the multiple of every that follows planned, the last tick. If now is past it already, or the clock
// was set back, it is the first multiple after now: ticks that were missed are skipped, never made up for.
// Readings on multiples fill the gateway's windows evenly.
func nextTick(planned, now time.Time, every time.Duration) time.Time {
	next := planned.Add(every)
	if wait := next.Sub(now); wait > 0 && wait <= every+every/2 {
		return next
	}
	return now.Round(0).Truncate(every).Add(every)
}

// prime begins the interval over which the CPU is measured, and waits it out.
func (s *sampler) prime(ctx context.Context) error {
	if !s.cpu {
		return nil
	}
	s.collector.Prime(ctx)
	return backoff.Sleep(ctx, primeWait)
}

// read reads the machine, and what others have put into files. It returns a report to be kept, oldest samples first, and
// what goes beside it and is not. Either has no samples where there are none.
func (s *sampler) read(ctx context.Context) (reading, beside sample.Report) {
	samples, local := s.machine.Collect(ctx)
	samples = append(samples, s.own.Read(ctx, slices.Concat(samples, local))...)
	slices.SortStableFunc(samples, func(a, b sample.Sample) int { return cmp.Compare(a.Time, b.Time) })
	if len(samples)+len(local) == 0 || ctx.Err() != nil {
		return reading, beside
	}
	reading = collect.Machine(ctx)
	reading.Device = s.device
	beside = reading
	reading.Samples = samples
	if s.live == nil {
		return reading, beside
	}
	beside.Attributes = s.machine.Attributes()
	for i := range local {
		if wanted := s.wanted.Load(); wanted != nil && slices.Contains(*wanted, local[i].Name) {
			reading.Samples = append(reading.Samples, local[i])
		} else {
			beside.Local = append(beside.Local, local[i])
		}
	}
	return reading, beside
}
