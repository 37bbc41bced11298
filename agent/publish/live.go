package publish

import (
	"context"
	"maps"
	"sync"

	"piway/shared/mqttlink"
	"piway/shared/sample"
)

// A Live holds what is sent once, beside the reports: the newest local samples, and what the machine says of itself.
// Nothing of it is kept for a gateway that is away: there is one place, and a newer reading takes it.
type Live struct {
	mu      sync.Mutex // guards what follows
	reading sample.Report
	full    bool
	lone    bool              // no report came of this reading, so nothing will take it along
	told    map[string]string // the attributes that this connection's gateway has
	changed chan struct{}     // has room for one
}

// NewLive returns one that is empty.
func NewLive() *Live { return &Live{changed: make(chan struct{}, 1)} }

// Put replaces what waits by a reading with local samples. lone says that the reading goes into no report.
func (l *Live) Put(reading sample.Report, lone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reading, l.full, l.lone = reading, true, lone
	if lone {
		select {
		case l.changed <- struct{}{}:
		default:
		}
	}
}

// connected says that what was told of the attributes was told to another connection.
func (l *Live) connected() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = nil
}

// join adds what waits to a report, if the report has room for it and holds that reading or a newer one by the same
// clock: one of a backlog may be dated by another.
func (l *Live) join(r sample.Report, within sample.Limits) sample.Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.full || r.Boot != l.reading.Boot || r.Clock != l.reading.Clock ||
		sample.Newest(r.Samples) < sample.Newest(l.reading.Local)-sameReading {
		return r
	}
	if len(r.Samples)+len(l.reading.Local) > within.Samples || weight(&r)+weight(&l.reading) > within.Bytes {
		return r
	}
	return l.take(r)
}

// sameReading is by how many seconds the samples of a reading may differ.
const sameReading = 1

// take adds what waits to a report, and forgets it. l.mu is held.
func (l *Live) take(r sample.Report) sample.Report {
	r.Local = l.reading.Local
	if !maps.Equal(l.told, l.reading.Attributes) {
		r.Attributes, l.told = l.reading.Attributes, l.reading.Attributes
	}
	l.reading, l.full = sample.Report{}, false
	return r
}

// next returns a report of what waits and goes into no other, when there is one. It has no number: it is not sent
// again.
func (l *Live) next(ctx context.Context) (sample.Report, error) {
	for {
		l.mu.Lock()
		if l.full && l.lone {
			defer l.mu.Unlock()
			r := l.reading
			r.Run, r.Seq, r.Samples, r.Attributes = "", 0, []sample.Sample{}, nil
			return l.take(r), nil
		}
		l.mu.Unlock()
		select {
		case <-l.changed:
		case <-ctx.Done():
			return sample.Report{}, ctx.Err()
		}
	}
}

// weight is the most that a report takes in JSON.
func weight(r *sample.Report) int {
	n := sample.EnvelopeBytes
	for _, samples := range [...][]sample.Sample{r.Samples, r.Local} {
		for i := range samples {
			n += samples[i].MaxBytes()
		}
	}
	for key, value := range r.Attributes {
		n += 2*(len(key)+len(value)) + len(`"":"",`) // a character that is escaped takes two, and others are left out
	}
	return n
}

// withLive returns a report as it is sent now: with what waits beside it, if the gateway says what it takes.
func (p *Publisher) withLive(r sample.Report) sample.Report {
	limits, told := p.size.told()
	if p.opt.Live == nil || !told {
		return r
	}
	return p.opt.Live.join(r, limits)
}

// publishLone sends what waits and goes into no report.
func (p *Publisher) publishLone(ctx context.Context, link *mqttlink.Link) error {
	limits, told := p.size.told()
	if p.opt.Live == nil || !told {
		<-ctx.Done()
		return ctx.Err()
	}
	for {
		r, err := p.opt.Live.next(ctx)
		if err != nil {
			return err
		}
		payload, err := encode(ctx, p.opt, r)
		if err != nil || len(r.Local) > limits.Samples || len(payload) > limits.Bytes {
			p.log.Debug("local samples cannot be sent, dropping them", "samples", len(r.Local), "err", err)
			continue
		}
		if err := acknowledged(ctx, link.Publish(p.opt.topic("samples"), payload), p.opt.AckTimeout); err != nil {
			return err
		}
	}
}
