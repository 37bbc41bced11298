package publish

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/shared/mqttlink"
)

// subscribeTimeout bounds the wait for the gateway to grant a subscription.
const subscribeTimeout = 10 * time.Second

// A flight is a report that was published and not acknowledged yet.
type flight struct {
	pos      uint64
	delivery *mqttlink.Delivery
	sent     time.Time
}

// A window bounds the flights: each has a slot from before its publish until it is acknowledged.
type window struct {
	slots   chan struct{}
	flights chan flight
}

// session connects and publishes everything from the oldest report on, until something fails or ctx ends.
// It returns how many reports were acknowledged.
func (p *Publisher) session(ctx context.Context) (acked int, err error) {
	opt := p.opt.link()
	opt.Will = &mqttlink.Message{Topic: p.opt.topic("status"), Payload: []byte("offline")}
	link, err := mqttlink.Connect(ctx, opt)
	if err != nil {
		return 0, err
	}
	defer link.Close()
	defer p.leave(ctx, link)
	if err := p.arrive(ctx, link); err != nil {
		return 0, err
	}
	p.out.connected(p.opt.Address)

	window := window{slots: make(chan struct{}, p.opt.Window), flights: make(chan flight, p.opt.Window)}
	group, both := errgroup.WithContext(ctx)
	group.Go(func() error { return p.publish(both, link, window) })
	group.Go(func() error {
		var err error
		acked, err = p.settle(both, link, window)
		return err
	})
	err = group.Wait()
	return acked, err
}

// arrive says that the device is there and asks to be told of refusals.
func (p *Publisher) arrive(ctx context.Context, link *mqttlink.Link) error {
	online := link.Publish(p.opt.topic("status"), []byte("online"))
	if err := acknowledged(ctx, online, p.opt.AckTimeout); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, subscribeTimeout)
	defer cancel()
	refusals := &refusals{log: p.log}
	if err := link.Subscribe(ctx, p.opt.topic("rejected"), refusals.tell); err != nil {
		if link.Err() != nil {
			return err
		}
		p.log.Warn("gateway does not tell refusals", "err", err) // the samples matter more
	}
	return nil
}

// leave says that the device goes, if that is by its own will; else the broker publishes the last will.
func (p *Publisher) leave(ctx context.Context, link *mqttlink.Link) {
	if ctx.Err() == nil || link.Err() != nil {
		return
	}
	goodbye := link.Publish(p.opt.topic("status"), []byte("offline"))
	_ = acknowledged(context.WithoutCancel(ctx), goodbye, time.Second) // nobody is left to care
}

// publish sends report after report, as far as the window allows.
func (p *Publisher) publish(ctx context.Context, link *mqttlink.Link, w window) error {
	for pos := uint64(0); ; {
		select {
		case w.slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		next, report, err := p.src.Next(ctx, pos)
		if err != nil {
			return err
		}
		pos = next
		sent := time.Now()
		delivery, err := send(ctx, link, p.opt, report)
		if err != nil { // it would fail for ever, and block those behind it
			p.log.Error("report cannot be encoded, dropping it", "seq", report.Seq, "err", err)
			p.src.Ack(pos)
			<-w.slots
			continue
		}
		w.flights <- flight{pos, delivery, sent} // has room: there are as many places as slots
	}
}

// settle waits for the acknowledgements in the order of publishing and forgets what was acknowledged.
func (p *Publisher) settle(ctx context.Context, link *mqttlink.Link, w window) (acked int, err error) {
	for {
		select {
		case f := <-w.flights:
			if err := acknowledged(ctx, f.delivery, p.opt.AckTimeout-time.Since(f.sent)); err != nil {
				return acked, err
			}
			p.src.Ack(f.pos)
			acked++
			<-w.slots
		case <-link.Lost():
			return acked, link.Err()
		case <-ctx.Done():
			return acked, ctx.Err()
		}
	}
}
