package publish

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/shared/mqttlink"
)

// subscribeTimeout bounds the wait for the gateway to grant a subscription.
const subscribeTimeout = 10 * time.Second

// session connects and publishes everything from the oldest report on, until something fails or ctx ends.
// It returns how many reports were acknowledged.
func (p *Publisher) session(ctx context.Context) (acked int, err error) {
	opt := p.opt.link()
	opt.Will = &mqttlink.Message{Topic: p.opt.topic("status"), Payload: []byte("offline")}
	link, address, err := p.opt.Connect(ctx, opt)
	if err != nil {
		return 0, err
	}
	defer link.Close()
	defer p.leave(ctx, link)
	sent := newInFlight(p.opt.MaxInFlight, p.size.alone)
	if err := p.arrive(ctx, link, sent); err != nil {
		return 0, err
	}
	p.out.connected(address)
	if p.opt.Live != nil {
		p.opt.Live.connected()
	}

	group, both := errgroup.WithContext(ctx)
	group.Go(func() error { return p.publish(both, link, sent) })
	group.Go(func() error { return p.publishLone(both, link) })
	group.Go(func() error {
		var err error
		acked, err = p.settle(both, link, sent)
		return err
	})
	err = group.Wait()
	return acked + p.conclude(ctx, link, sent), err
}

// arrive says that the device is there and asks to be told of refusals, and what the gateway takes.
func (p *Publisher) arrive(ctx context.Context, link *mqttlink.Link, w *inFlight) error {
	online := link.Publish(p.opt.topic("status"), []byte("online"))
	if err := acknowledged(ctx, online, p.opt.AckTimeout); err != nil {
		return err
	}
	asking, cancel := context.WithTimeout(ctx, subscribeTimeout)
	defer cancel()
	refusals := &refusals{log: p.log}
	if err := link.SubscribeInOrder(asking, p.opt.topic("rejected"), func(payload []byte) {
		w.learn(payload)
		refusals.note(payload)
	}); err != nil {
		if link.Err() != nil {
			return err
		}
		p.log.Warn("gateway does not report refusals", "err", err) // the samples matter more
	}
	err := link.SubscribeInOrder(asking, p.opt.topic("config"), p.size.bounds)
	if p.size.silent = err != nil; p.size.silent {
		if link.Err() != nil {
			return err
		}
		p.log.Debug("gateway does not tell what it takes", "err", err) // one of an earlier version
	}
	return p.size.probe(ctx, link, p.opt)
}

// leave says that the device goes, if that is by its own will; else the broker publishes the last will.
func (p *Publisher) leave(ctx context.Context, link *mqttlink.Link) {
	if ctx.Err() == nil || link.Err() != nil {
		return
	}
	goodbye := link.Publish(p.opt.topic("status"), []byte("offline"))
	_ = acknowledged(context.WithoutCancel(ctx), goodbye, time.Second) // nobody is left to care
}

// publish sends report after report, as far as the slots allow.
func (p *Publisher) publish(ctx context.Context, link *mqttlink.Link, w *inFlight) error {
	alone := w.narrow
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
		payload, err := encode(ctx, p.opt, p.withLive(report))
		if err != nil { // it would fail for ever, and block those behind it
			p.log.Error("report cannot be encoded, dropping it", "seq", report.Seq, "err", err)
			p.src.Ack(pos)
			<-w.slots
			continue
		}
		f := flight{
			name: name{report.Run, report.Seq}, pos: pos, samples: len(report.Samples), bytes: len(payload),
			sent: sent, alone: alone,
		}
		if p.size.tooLargeFor(f.bytes) && p.size.split(f) {
			<-w.slots
			continue
		}
		w.begin(f.name)
		f.delivery = link.Publish(p.opt.topic("samples"), payload)
		w.flights <- f // has room: there are as many places as slots
		alone = false
	}
}

// settle waits for the acknowledgements in the order of publishing and forgets what was acknowledged.
func (p *Publisher) settle(ctx context.Context, link *mqttlink.Link, w *inFlight) (acked int, err error) {
	for {
		select {
		case f := <-w.flights:
			if err := acknowledged(ctx, f.delivery, p.opt.AckTimeout-time.Since(f.sent)); err != nil {
				w.stuck = &f
				return acked, err
			}
			if err := p.size.confirm(ctx, link, p.opt, f); err != nil {
				return acked, err // and it goes again
			}
			p.forget(w, f)
			acked++
			<-w.slots
			if f.alone {
				w.widen()
			}
		case <-link.Lost():
			return acked, link.Err()
		case <-ctx.Done():
			return acked, ctx.Err()
		}
	}
}

// forget ends a flight that the gateway has acknowledged: it has the report, or has refused it for its size.
func (p *Publisher) forget(w *inFlight, f flight) {
	p.size.passed(f)
	if w.end(f.name) {
		p.size.refused(f)
		return
	}
	p.size.proven = max(p.size.proven, f.samples)
	p.src.Ack(f.pos)
}

// conclude looks at what was under way when the connection ended, and returns how many reports made progress.
func (p *Publisher) conclude(ctx context.Context, link *mqttlink.Link, w *inFlight) (moved int) {
	lost := ctx.Err() == nil && link.Err() != nil
	for _, f := range w.rest() {
		if lost {
			<-f.delivery.Done() // with the link, each has ended
			if f.delivery.Err() == nil {
				p.forget(w, f)
				moved++
				continue
			}
		}
		if w.end(f.name) { // its PUBACK would say nothing more
			p.size.refused(f)
			moved++
			continue
		}
		if lost && p.size.lost(f) {
			moved++
		}
		lost = false // the others were behind it
	}
	return moved
}
