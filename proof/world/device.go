package world

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/shared/sample"
)

// A Load is what each of some devices sends: rounds of reports, each of a sample or two.
type Load struct {
	Run     string
	Reports int           // of a round, published before the first PUBACK is waited for
	Pause   time.Duration // between two rounds
	// Mixed lets every second report have two samples, and the last one of a round no time.
	Mixed bool
	// Steady makes what was due while a PUBACK was waited for as well, with the time at which it was due, as an agent
	// does.
	Steady bool
	// Anew logs in for each round.
	Anew bool
}

// A Device sends samples that can each be told from all others, and keeps a report until its PUBACK.
type Device struct {
	Client
	Load

	Samples *Samples

	seq  int64
	made int
}

const (
	// names of a device's metrics: so many that no two samples of a window of a second have one.
	names = 60
	// timeless is how many names there are of samples that come without a time: so many that a step of the clock that
	// dates them puts no two of them into one window.
	timeless = 4000
)

// LiveAll has all devices send until living ends; each is done when what it began is acknowledged, or with an error
// when ctx ends before.
func LiveAll(ctx, living context.Context, all []*Device) *errgroup.Group {
	var group errgroup.Group
	for _, d := range all {
		group.Go(func() error { return d.live(ctx, living) })
	}
	return &group
}

func (d *Device) live(ctx, living context.Context) error {
	defer d.Close()
	due := time.Now()
	for {
		due = due.Add(d.Pause)
		if now := time.Now(); !d.Steady && due.Before(now) {
			due = now
		}
		Wait(living, time.Until(due))
		if living.Err() != nil && (!d.Steady || due.After(time.Now())) {
			return nil
		}
		round, err := d.round(due)
		if err == nil {
			err = d.Deliver(ctx, round)
		}
		if err != nil {
			return err
		}
		if d.Anew {
			d.Close()
		}
	}
}

// round makes the next reports.
func (d *Device) round(now time.Time) (round []Message, err error) {
	now = now.Truncate(time.Millisecond)
	for i := range d.Reports {
		d.seq++
		r := sample.Report{Device: d.Name, Run: d.Run, Seq: d.seq, Sent: sample.Seconds(now), Clock: sample.Synced}
		var numbers []int
		for range 1 + d.extra(i) {
			d.made++
			s := Sample{Device: d.Name, Name: fmt.Sprintf("n%d", d.made%names), Time: now}
			at := sample.Seconds(now)
			if s.Timeless = d.Mixed && i == d.Reports-1; s.Timeless {
				s.Name, at = fmt.Sprintf("t%d", d.made%timeless), 0
			}
			number := d.Samples.Made(s)
			numbers = append(numbers, number)
			r.Samples = append(r.Samples, sample.Sample{Name: s.Name, Unit: "Count", Value: float64(number), Time: at})
		}
		payload, err := r.JSON()
		if err != nil {
			return nil, err
		}
		round = append(round, Message{"pi/" + d.Name + "/samples", payload, func() { d.Samples.Acked(numbers...) }})
	}
	return round, nil
}

// extra is how many samples the i-th report of a round has beside one.
func (d *Device) extra(i int) int {
	if d.Mixed {
		return i % 2
	}
	return 0
}
