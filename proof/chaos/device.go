package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"piway/shared/mqttlink"
	"piway/shared/sample"
)

// A device sends samples that can each be told from all others, and keeps a report until its PUBACK.
type device struct {
	name, password, addr string
	number               int
	book                 *book
	link                 *mqttlink.Link
	seq                  int64
	made                 int
}

const (
	runName = "chaos"
	// names of a device's metrics: so many that no two samples of a window have one.
	names = 60
	// inFlight reports are published before the first PUBACK is waited for.
	inFlight = 8
	// timeless is how many names there are of samples that come without a time: so many that a step of the clock that
	// dates them puts no two of them into one window.
	timeless = 4000
	// pause between two rounds: at most 20 samples a second, in a window of a second.
	pause    = 400 * time.Millisecond
	patience = 5 * time.Second // for a PUBACK
)

// A report is what a device sends, with the values that are in it.
type report struct {
	payload []byte
	values  []int
}

// live sends until living ends, and then what it has begun.
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

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
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
func (d *device) send(ctx context.Context, link *mqttlink.Link, round []report) []report {
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
			return round[i:]
		}
		if delivery.Err() != nil {
			return round[i:]
		}
		d.book.acknowledged(round[i].values)
	}
	return nil
}

// round makes the next reports.
func (d *device) round() ([]report, error) {
	var round []report
	for i := range inFlight {
		d.seq++
		now := sample.Seconds(time.Now())
		r := sample.Report{Device: d.name, Run: runName, Seq: d.seq, Sent: now, Clock: sample.Synced}
		var values []int
		for range i%2 + 1 {
			d.made++
			name, at := fmt.Sprintf("n%d", d.made%names), now
			if i == inFlight-1 {
				name, at = fmt.Sprintf("t%d", d.made%timeless), 0
			}
			value := d.book.made(d.number, name, now, at == 0)
			values = append(values, value)
			r.Samples = append(r.Samples, sample.Sample{Name: name, Unit: "Count", Value: float64(value), Time: at})
		}
		payload, err := r.JSON()
		if err != nil {
			return nil, err
		}
		round = append(round, report{payload, values})
	}
	return round, nil
}

// A book knows each sample that was made, and whether its device got the PUBACK. The value is the number of the sample.
type book struct {
	mu  sync.Mutex // guards all
	all []made
}

type made struct {
	device   int
	name     string
	time     float64 // Unix seconds
	timeless bool    // the gateway was not told
	acked    time.Time
}

func (b *book) made(device int, name string, at float64, timeless bool) (value int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, made{device: device, name: name, time: at, timeless: timeless})
	return len(b.all) - 1
}

func (b *book) acknowledged(values []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, v := range values {
		b.all[v].acked = time.Now()
	}
}
