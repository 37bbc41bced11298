package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/shared/mqttlink"
	"piway/shared/sample"
)

const (
	devicePrefix = "dev-"
	runName      = "powercut"
	// names of a device's metrics: so many that no two samples of a window have one.
	names = 60
	// inFlight reports are published before the first PUBACK is waited for.
	inFlight = 8
	// pause between two rounds: at most 20 reports a second.
	pause    = 400 * time.Millisecond
	patience = 5 * time.Second // for a PUBACK
)

// A device sends reports that can each be told from all others, and keeps one until its PUBACK.
type device struct {
	name, password, addr string
	number               int
	book                 *book
	link                 *mqttlink.Link
	seq                  int64
}

// A report is what a device sends, with the number that the book has for it.
type report struct {
	payload []byte
	number  int
}

// liveAll has all devices send until living ends; they are done when what they began is acknowledged.
func liveAll(ctx, living context.Context, all []*device) *errgroup.Group {
	var group errgroup.Group
	for _, d := range all {
		group.Go(func() error { return d.live(ctx, living) })
	}
	return &group
}

func (d *device) live(ctx, living context.Context) error {
	defer d.leave()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-living.Done():
			return nil
		}
		round, err := d.round()
		if err != nil {
			return err
		}
		for len(round) > 0 {
			if ctx.Err() != nil {
				return fmt.Errorf("%s: %d reports were never acknowledged", d.name, len(round))
			}
			round = d.try(ctx, round)
		}
	}
}

// try connects if need be, and returns the reports that are still without a PUBACK.
func (d *device) try(ctx context.Context, round []report) []report {
	if d.link == nil {
		link, err := d.connect(ctx)
		if err != nil {
			wait(ctx, 100*time.Millisecond)
			return round
		}
		d.link = link
	}
	if round = d.send(ctx, d.link, round); len(round) > 0 {
		d.leave()
	}
	return round
}

func (d *device) leave() {
	if d.link != nil {
		d.link.Close()
		d.link = nil
	}
}

func (d *device) connect(ctx context.Context) (*mqttlink.Link, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return mqttlink.Connect(ctx, mqttlink.Options{
		Broker: "tcp://" + d.addr, ClientID: d.name, Username: d.name, Password: d.password, KeepAlive: 10 * time.Second,
	})
}

// send publishes reports and returns those without a PUBACK.
func (d *device) send(ctx context.Context, link *mqttlink.Link, round []report) (left []report) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	sent := make([]*mqttlink.Delivery, len(round))
	for i, r := range round {
		sent[i] = link.Publish("pi/"+d.name+"/samples", r.payload)
	}
	for i, delivery := range sent {
		select {
		case <-delivery.Done():
		case <-ctx.Done():
			return append(left, round[i:]...)
		}
		if delivery.Err() != nil {
			left = append(left, round[i])
			continue
		}
		d.book.acknowledged(round[i].number)
	}
	return left
}

// round makes the next reports.
func (d *device) round() (round []report, err error) {
	for range inFlight {
		d.seq++
		now := sample.Seconds(time.Now())
		name := fmt.Sprintf("n%d", d.seq%names)
		number := d.book.made(d.number, name, now)
		r := sample.Report{
			Device: d.name, Run: runName, Seq: d.seq, Sent: now, Clock: sample.Synced,
			Samples: []sample.Sample{{Name: name, Unit: "Count", Value: float64(number), Time: now}},
		}
		payload, err := r.JSON()
		if err != nil {
			return nil, err
		}
		round = append(round, report{payload, number})
	}
	return round, nil
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
