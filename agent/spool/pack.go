package spool

import (
	"math"

	"piway/shared/sample"
)

// envelopeBytes is about what a reading takes in a file beside its samples.
const envelopeBytes = 200

// clockMoved is by how many seconds wall clock and uptime may drift apart inside a report: they date each other.
const clockMoved = 1

// sameReport reports whether b goes on with a, as lines of a file do.
func sameReport(a, b *sample.Report) bool { return a.Run == b.Run && a.Seq == b.Seq && a.Seq > 0 }

// join adds the samples of b, which are newer, to a. Boot, uptime and clock are those of the newest sample.
func join(a, b *sample.Report) {
	a.Samples = append(a.Samples, b.Samples...)
	a.Boot, a.Uptime, a.Clock = b.Boot, b.Uptime, b.Clock
}

// fits reports whether the reading b can become a part of a: both by one clock, and within the limits.
func fits(a, b *sample.Report, within sample.Limits) bool {
	return a.Device == b.Device && a.Boot == b.Boot && a.Clock == b.Clock &&
		math.Abs(offset(a)-offset(b)) <= clockMoved &&
		len(a.Samples)+len(b.Samples) <= within.Samples && sample.EnvelopeBytes+weight(a)+weight(b) <= within.Bytes
}

// exceeds reports whether a report holds more than the limits, and can be made smaller.
func exceeds(r *sample.Report, within sample.Limits) bool {
	return len(r.Samples) > 1 && (len(r.Samples) > within.Samples || sample.EnvelopeBytes+weight(r) > within.Bytes)
}

// offset is how far the wall clock is ahead of the uptime.
func offset(r *sample.Report) float64 {
	if r.Uptime == 0 {
		return 0 // a system that does not say
	}
	return sample.Newest(r.Samples) - r.Uptime
}

// weight is the most that a report's samples take in JSON.
func weight(r *sample.Report) (n int) {
	for i := range r.Samples {
		n += r.Samples[i].MaxBytes()
	}
	return n
}

// cut takes a report apart into reports within the limits, in order; one sample is the least. Each has the uptime as
// of its newest sample. They have no number yet.
func cut(r sample.Report, within sample.Limits) (parts []sample.Report) {
	rest, all := r.Samples, sample.Newest(r.Samples)
	for len(rest) > 0 {
		n, size := 0, sample.EnvelopeBytes
		for n < len(rest) && (n == 0 || n < within.Samples && size+rest[n].MaxBytes() <= within.Bytes) {
			size += rest[n].MaxBytes()
			n++
		}
		part := r
		part.Samples, rest = rest[:n:n], rest[n:]
		if at := sample.Newest(part.Samples); r.Uptime > 0 && at > 0 {
			part.Uptime = max(r.Uptime-(all-at), 0)
		}
		parts = append(parts, part)
	}
	return parts
}
