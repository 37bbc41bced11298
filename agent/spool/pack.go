package spool

import (
	"math"

	"piway/shared/sample"
)

// Bounds of a report, well below the gateway's (intake.max_samples 1000, broker.max_packet 128 KiB).
const (
	maxSamples = 500
	maxBytes   = 48 << 10
	// sampleBytes is what a sample takes in JSON beside its name and unit.
	sampleBytes = 80
	// envelopeBytes is about what a report takes beside its samples.
	envelopeBytes = 200
)

// clockMoved is by how many seconds wall clock and uptime may drift apart inside a report: they date each other.
const clockMoved = 1

// sameReport reports whether b goes on with a, as lines of a file do.
func sameReport(a, b *sample.Report) bool { return a.Run == b.Run && a.Seq == b.Seq && a.Seq > 0 }

// join adds the samples of b, which are newer, to a. Boot, uptime and clock are those of the newest sample.
func join(a, b *sample.Report) {
	a.Samples = append(a.Samples, b.Samples...)
	a.Boot, a.Uptime, a.Clock = b.Boot, b.Uptime, b.Clock
}

// fits reports whether the reading b can become a part of a: both by one clock, and not too much.
func fits(a, b *sample.Report) bool {
	return a.Device == b.Device && a.Boot == b.Boot && a.Clock == b.Clock &&
		math.Abs(offset(a)-offset(b)) <= clockMoved &&
		len(a.Samples)+len(b.Samples) <= maxSamples && weight(a)+weight(b) <= maxBytes
}

// offset is how far the wall clock is ahead of the uptime.
func offset(r *sample.Report) float64 {
	newest := 0.0
	for _, s := range r.Samples {
		newest = max(newest, s.Time)
	}
	if r.Uptime == 0 {
		return 0 // a system that does not say
	}
	return newest - r.Uptime
}

// weight is about how many bytes a report takes.
func weight(r *sample.Report) (n int) {
	for _, s := range r.Samples {
		n += sampleBytes + len(s.Name) + len(s.Unit)
	}
	return n
}
