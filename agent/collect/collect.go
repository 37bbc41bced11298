package collect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"piway/shared/clock"
	"piway/shared/sample"
)

// patience is how long one sensor may take before the others go on without it.
const patience = 5 * time.Second

// Options say what to read.
type Options struct {
	// Disks are mount points; each gives "disk usage PATH".
	Disks []string
	// CPU, Temperature and Memory switch the other metrics on.
	CPU, Temperature, Memory bool
	// Log is told when a sensor breaks, changes its complaint, or works again. It may be nil.
	Log *slog.Logger
}

// A Reading is what one sensor gave: a value, or the reason why there is none.
type Reading struct {
	sample.Sample // without a time

	// Err is ErrAbsent if the machine has no such sensor, ErrEarly if it needs a second reading, else what went wrong.
	Err error
}

// Reasons for a missing value that are no faults.
var (
	ErrAbsent = errors.New("this machine has none")
	ErrEarly  = errors.New("not known yet")
)

// errHangs is told of a sensor whose reading has not come back, such as a network mount without its server.
var errHangs = errors.New("reading hangs")

// A Collector reads a fixed set of sensors. It is not safe for concurrent use.
type Collector struct {
	sensors []*sensor
	log     *slog.Logger
}

// New returns a collector; it reads nothing yet. The first Read gives no CPU usage, only the start of its interval.
func New(opt Options) *Collector {
	c := &Collector{log: opt.Log}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	for _, path := range opt.Disks {
		c.add("disk usage "+path, "Percent", func(ctx context.Context) (float64, error) { return diskUsage(ctx, path) })
	}
	if opt.CPU {
		c.add("cpu usage", "Percent", new(cpuUsage).read)
	}
	if opt.Temperature {
		c.add("cpu temperature", "None", cpuTemperature)
	}
	if opt.Memory {
		c.add("memory usage", "Megabytes", memoryUsage)
	}
	return c
}

func (c *Collector) add(name, unit string, read func(context.Context) (float64, error)) {
	c.sensors = append(c.sensors, &sensor{name: name, unit: unit, read: read})
}

// Collect reads every sensor and returns the values that there are, rounded to two decimals, with the time of reading.
// Why others are missing goes to the log, once per change.
func (c *Collector) Collect(ctx context.Context) []sample.Sample {
	var samples []sample.Sample
	for i, r := range c.Read(ctx) {
		c.note(c.sensors[i], r)
		if r.Err == nil {
			r.Time = sample.Seconds(clock.Now().Truncate(time.Millisecond))
			samples = append(samples, r.Sample)
		}
	}
	return samples
}

// Read reads every sensor once and returns what each gave. It returns within 5 s, or when ctx ends.
func (c *Collector) Read(ctx context.Context) []Reading {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, s := range c.sensors {
		s.start(ctx)
	}
	readings := make([]Reading, len(c.sensors))
	for i, s := range c.sensors {
		value, err := s.wait(ctx)
		readings[i] = Reading{Sample: sample.Sample{Name: s.name, Unit: s.unit, Value: value}, Err: err}
	}
	return readings
}

// note logs a sensor's change between working and not.
func (c *Collector) note(s *sensor, r Reading) {
	complaint := ""
	if r.Err != nil {
		complaint = r.Err.Error()
	}
	if complaint == s.complaint || errors.Is(r.Err, ErrEarly) {
		return
	}
	s.complaint = complaint
	switch {
	case r.Err == nil:
		c.log.Info("sensor works again", "metric", r.Name)
	case errors.Is(r.Err, ErrAbsent):
		c.log.Info("no such sensor", "metric", r.Name)
	default:
		c.log.Warn("sensor fails", "metric", r.Name, "err", r.Err)
	}
}

// A sensor is one metric and the way to read it.
type sensor struct {
	name, unit string
	read       func(context.Context) (float64, error)

	complaint string      // told last
	running   chan result // the reading under way, nil if there is none
}

type result struct {
	value float64
	err   error
}

// start begins a reading in a goroutine, because a system call on a dead mount cannot be interrupted.
// While one hangs no other is begun.
func (s *sensor) start(ctx context.Context) {
	select {
	case <-s.running: // the late answer to an earlier call
		s.running = nil
	default:
	}
	if s.running != nil {
		return
	}
	running := make(chan result, 1)
	s.running = running
	go func() {
		value, err := guarded(ctx, s.read)
		running <- result{value, err}
	}()
}

func (s *sensor) wait(ctx context.Context) (float64, error) {
	select {
	case r := <-s.running:
		s.running = nil
		return r.value, r.err
	case <-ctx.Done():
	}
	select { // another sensor may have used up the time
	case r := <-s.running:
		s.running = nil
		return r.value, r.err
	default:
		return 0, errHangs
	}
}

// guarded calls read and lets only a finite value pass, rounded to two decimals.
func guarded(ctx context.Context, read func(context.Context) (float64, error)) (value float64, err error) {
	defer func() {
		if p := recover(); p != nil {
			value, err = 0, fmt.Errorf("reading panicked: %v", p)
		}
	}()
	value, err = read(ctx)
	if err != nil {
		return 0, err
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, fmt.Errorf("reading gave %v", value)
	}
	return math.Round(value*100) / 100, nil
}
