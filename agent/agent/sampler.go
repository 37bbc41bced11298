package agent

import (
	"context"
	"log/slog"
	"time"

	"piway/agent/collect"
	"piway/agent/spool"
	"piway/shared/backoff"
	"piway/shared/clock"
	"piway/shared/sample"
)

// A sampler turns the machine into readings.
type sampler struct {
	collector *collect.Collector
	device    string
	every     time.Duration
	cpu       bool
	log       *slog.Logger
}

// newSampler reads nothing yet. State is the folder in which to remember where disks were mounted, "" for none.
func newSampler(cfg Config, state string, log *slog.Logger) *sampler {
	return &sampler{
		collector: collect.New(collect.Options{
			Disks: cfg.Collect.Disks, CPU: cfg.Collect.CPU, Temperature: cfg.Collect.Temperature, Memory: cfg.Collect.Memory,
			Health: cfg.Collect.Health, State: state, Log: log.With("part", "collect"),
		}),
		device: cfg.Name(),
		every:  cfg.Collect.Interval,
		cpu:    cfg.Collect.CPU,
		log:    log,
	}
}

// run puts a reading into the spool at every multiple of the interval, until ctx ends.
func (s *sampler) run(ctx context.Context, reports *spool.Spool) {
	s.collector.Prime(ctx)
	beat := ticks{every: s.every, now: clock.Now}
	for beat.wait(ctx) == nil {
		if reading, ok := s.read(ctx); ok {
			reports.Add(reading)
		}
	}
}

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

// read reads the machine. It returns false if there is nothing to report.
func (s *sampler) read(ctx context.Context) (sample.Report, bool) {
	samples, local := s.collector.Collect(ctx)
	_ = local // has no place in a report yet
	if len(samples) == 0 || ctx.Err() != nil {
		return sample.Report{}, false
	}
	r := collect.Machine(ctx)
	r.Device, r.Samples = s.device, samples
	return r, true
}
