package main

import (
	"context"
	"time"

	"piway/proof/world"
)

// A door is where the Pis send their samples: what differs between Piway and the others.
type door struct {
	broker string // HOST:PORT
	// password of a Pi, "" where everybody may come.
	password func(pi string) string
	// messages are what a Pi sends at a tick, each with the samples that it holds.
	messages func(pi int, tick int64) ([]message, error)
}

type message struct {
	topic   string
	payload []byte
	holds   []sampleID
}

// A pi sends its samples and keeps each until the PUBACK. One goroutine uses it.
type pi struct {
	world.Client

	number int
	door   door
	tally  *tally
}

// send sends the samples of a tick, each message again until its PUBACK, and books them.
func (p *pi) send(ctx context.Context, tick int64) error {
	messages, err := p.door.messages(p.number, tick)
	if err != nil {
		return err
	}
	for _, m := range messages {
		acked := func() {
			for _, id := range m.holds {
				p.tally.ack(id)
			}
		}
		if err := p.Deliver(ctx, []world.Message{{Topic: m.topic, Payload: m.payload, Acked: acked}}); err != nil {
			return err
		}
	}
	return nil
}

// A fleet is all Pis. They send one after the other, so that each message is stored by itself as it would be if they
// sent at times of their own. One goroutine uses it.
type fleet struct {
	load load
	pis  []*pi
}

func newFleet(l load, d door, t *tally) *fleet {
	f := &fleet{load: l}
	for i := range l.pis {
		client := world.Client{Addr: d.broker, Name: piName(i), Password: d.password(piName(i))}
		f.pis = append(f.pis, &pi{Client: client, number: i, door: d, tally: t})
	}
	return f
}

// send sends the ticks from..to-1 and returns when each sample has its PUBACK. After every pass of the simulated time
// step it calls between, if step is not 0.
func (f *fleet) send(ctx context.Context, from, to int64, step time.Duration,
	between func(context.Context) error,
) error {
	next := from + int64(step/time.Second)
	for tick := from; tick < to; tick += int64(f.load.every / time.Second) {
		for ; step > 0 && tick >= next; next += int64(step / time.Second) {
			if err := between(ctx); err != nil {
				return err
			}
		}
		for _, p := range f.pis {
			if err := p.send(ctx, tick); err != nil {
				return err
			}
		}
	}
	return nil
}

// live sends in real time until living ends. What was begun is sent to its end, so that it is known what was
// acknowledged.
func (f *fleet) live(ctx, living context.Context) error {
	every := int64(f.load.every / time.Second)
	for {
		now := time.Now()
		next := now.Unix() - now.Unix()%every + every
		wait := time.NewTimer(time.Until(time.Unix(next, 0)))
		select {
		case <-wait.C:
		case <-living.Done():
			wait.Stop()
			return nil
		}
		for _, p := range f.pis {
			if err := p.send(ctx, next); err != nil {
				return err
			}
		}
	}
}

func (f *fleet) close() {
	for _, p := range f.pis {
		p.Close()
	}
}
