package main

import (
	"fmt"
	"time"

	"piway/shared/sample"
)

// A load is what the Pis send: each takes a sample of every metric at every tick.
type load struct {
	pis, metrics int
	every        time.Duration // between ticks
	window       time.Duration // of the samples that Piway's metric form makes one datum of
}

// maxSlots bounds the ticks of a window: any set of so many powers of two has a mean of its own, as the tally needs.
const maxSlots = 4

func (l load) validate() error {
	switch {
	case l.every < time.Second || l.every%time.Second != 0:
		return fmt.Errorf("--every: must be whole seconds, got %s", l.every)
	case l.window <= 0 || l.window%l.every != 0 || l.slots() > maxSlots:
		return fmt.Errorf("--window: must be 1 to %d times --every (%s), got %s", maxSlots, l.every, l.window)
	default:
		return nil
	}
}

// slots is the number of ticks in a window.
func (l load) slots() int { return int(l.window / l.every) }

// A sampleID names one sample: its Pi, its metric, its window and its tick in there.
type sampleID struct {
	pi, metric int
	window     int64 // Unix seconds
	slot       int
}

// of is the sample that a Pi takes of a metric at a tick, in Unix seconds.
func (l load) of(pi, metric int, tick int64) sampleID {
	window := tick - tick%int64(l.window/time.Second)
	return sampleID{pi, metric, window, int((tick - window) / int64(l.every/time.Second))}
}

// value is a power of two, so that the mean of any samples of a window says which they are.
func (id sampleID) value() float64 { return float64(int(1) << id.slot) }

func piName(i int) string     { return fmt.Sprintf("pi-%02d", i) }
func metricName(i int) string { return fmt.Sprintf("load %d", i) }

// fullName is what a metric is called where only its name tells the Pis apart.
func fullName(pi, metric int) string { return metricName(metric) + " (" + piName(pi) + ")" }

// samples are all that a Pi takes at a tick.
func (l load) samples(pi int, tick int64) (ids []sampleID, all []sample.Sample) {
	for m := range l.metrics {
		id := l.of(pi, m, tick)
		ids = append(ids, id)
		all = append(all, sample.Sample{Name: metricName(m), Unit: "Count", Value: id.value(), Time: float64(tick)})
	}
	return ids, all
}
