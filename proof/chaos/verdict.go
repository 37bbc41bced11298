package main

import (
	"fmt"
	"strings"
	"time"

	"piway/localcore/localcore"
	"piway/proof/faultfs"
	"piway/proof/world"
)

// A verdict is what became of the samples, and of the agents' readings.
type verdict struct {
	world.Verdict

	dated             int // readings of agents that were held against the time they show
	misdated, shifted int // in CloudWatch, with a time that the gateway gave them wrongly; shifted are agents'

	firstMisdated, firstShifted string
	stall                       time.Duration // the longest time without a datum
}

// A judge compares what was made with what CloudWatch took, as in localcore's record.
type judge struct {
	samples  *world.Samples
	clock    *wall         // the gateway's
	dial     *faultfs.Dial // what agents measure by the name that follows; nil for none
	dialName string

	found verdict // beside what becomes of samples
	last  time.Time
}

// judge looks at what came since it last did.
func (j *judge) judge(record *world.Record) error {
	all, err := record.New()
	for _, d := range all {
		if !j.last.IsZero() {
			j.found.stall = max(j.found.stall, d.Received.Sub(j.last))
		}
		j.last = d.Received
		j.look(&d)
	}
	return err
}

// verdict is that of this moment.
func (j *judge) verdict() verdict {
	v := j.found
	v.Verdict = j.samples.Verdict()
	return v
}

const clockTime = "15:04:05.000"

// tell keeps the first text.
func tell(first *string, format string, args ...any) {
	if *first == "" {
		*first = fmt.Sprintf(format, args...)
	}
}

// look finds the sample of a datum, and holds the time that the gateway gave one without a time against its clock.
func (j *judge) look(d *localcore.Recorded) {
	name, device := world.Named(d)
	if !strings.HasPrefix(device, devicePrefix) {
		j.lookAgent(name, device, d)
		return
	}
	one, ok := j.samples.Took(d)
	if !ok || !one.Timeless || one.Acked.IsZero() {
		return
	}
	if off := d.Timestamp.Sub(one.Time); !j.clock.explains(d.Timestamp.Sub(one.Acked), off, d.Received) {
		j.found.misdated++
		tell(&j.found.firstMisdated, "%s of %s, received at %s, is off by %s", name, device, d.Received.Format(clockTime),
			off.Round(time.Millisecond))
	}
}

// lookAgent holds a reading of the dial against the time that it shows.
func (j *judge) lookAgent(name, device string, d *localcore.Recorded) {
	if j.dial == nil || name != j.dialName {
		return
	}
	j.found.dated++
	if off := d.Timestamp.Sub(j.dial.Time(d.Value)); !j.clock.explains(off, off, d.Received) {
		j.found.shifted++
		tell(&j.found.firstShifted, "of %s, received at %s, is off by %s", device, d.Received.Format(clockTime),
			off.Round(time.Millisecond))
	}
}
