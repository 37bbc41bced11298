package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"piway/gateway/encode"
	"piway/gateway/queue"
	"piway/gateway/rollup"
	"piway/shared/sample"
)

// A forwarder turns the queue's passes into the uplink's messages, and the uplink's PUBACKs into the queue's positions.
type forwarder struct {
	q            *queue.Queue
	settings     rollup.Settings
	hasTimestamp bool // the rule dates its datums; else AWS takes the time of arrival
	now          func() time.Time
	log          *slog.Logger

	after int64 // the last pass that was begun; only Next uses it

	mu      sync.Mutex // guards the fields below, not held while the queue works
	batch   *batch     // whose datums are handed out now
	handed  []ref      // to the uplink and not acknowledged, oldest first
	settled []*batch   // complete by an expired datum, to be finished
}

// A batch is a pass and the datums made of it.
type batch struct {
	pass    queue.Pass
	datums  []rollup.Datum
	next    int // to be handed out
	settled int // acknowledged or expired
}

type ref struct {
	b *batch
	i int
}

// How old a datum may be.
const (
	// maxAge is what CloudWatch takes (API_MetricDatum, Timestamp), less the time on the way.
	maxAge = 14*24*time.Hour - 10*time.Minute
	// freshAge is what may be shown as "now" by a rule that has no timestamp.
	freshAge = 5 * time.Minute
)

// fingerprint names all that the numbers of the datums depend on.
func (f *forwarder) fingerprint() string {
	return fmt.Sprintf("rollup %d encode %d form metric window %s rules %v", rollup.Version, encode.Version, f.settings.Window, f.settings.Rules)
}

// Next returns the message of the next datum that AWS still takes.
func (f *forwarder) Next(ctx context.Context) ([]byte, error) {
	for {
		payload, expired := f.handOut()
		if expired != nil {
			if err := f.finish(ctx, expired); err != nil {
				return nil, err
			}
			continue
		}
		if payload != nil {
			return payload, nil
		}
		b, err := f.load(ctx)
		if err != nil {
			return nil, err
		}
		f.mu.Lock()
		f.batch = b
		f.mu.Unlock()
	}
}

// load waits for the next closed pass and reduces it.
func (f *forwarder) load(ctx context.Context) (*batch, error) {
	p, err := f.q.Next(ctx, f.after, f.fingerprint())
	if err != nil {
		return nil, err
	}
	r := rollup.New(f.settings)
	if err := f.q.Each(ctx, p, func(device string, samples []sample.Sample) error {
		r.Add(device, samples)
		return nil
	}); err != nil {
		return nil, err
	}
	f.after = p.Start
	b := &batch{pass: p, datums: r.Datums(), next: p.Next, settled: p.Next}
	f.log.Debug("pass begun", "pass", p.Start, "datums", len(b.datums), "from", p.Next)
	return b, nil
}

// handOut returns the next message of the batch, or nil at its end; or a batch that is settled to the last datum without
// an acknowledgement having done it, and is to be finished.
func (f *forwarder) handOut() (payload []byte, settled *batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.settled) > 0 {
		return nil, f.settled[0]
	}
	b := f.batch
	for b != nil && b.next < len(b.datums) {
		i := b.next
		b.next++
		if f.expired(b.datums[i]) == "" {
			payload, err := message(b.datums[i])
			if err == nil {
				f.handed = append(f.handed, ref{b, i})
				return payload, nil
			}
			f.log.Error("a datum cannot be sent", "err", err)
		}
		b.pass.Expired.Add(i)
		if b.settled++; b.settled == len(b.datums) {
			f.settled = append(f.settled, b)
			return nil, b
		}
	}
	return nil, nil
}

// finish takes a settled batch off the disk.
func (f *forwarder) finish(ctx context.Context, b *batch) error {
	if err := f.q.Settle(ctx, []queue.Done{f.done(b)}, nil); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settled = slices.DeleteFunc(f.settled, func(x *batch) bool { return x == b })
	return nil
}

// done books what became of the samples of a settled batch.
func (f *forwarder) done(b *batch) queue.Done {
	counts := map[queue.Count]int{}
	for i, d := range b.datums {
		c := queue.Count{Device: d.Device, Outcome: queue.Sent}
		if b.pass.Expired.Has(i) {
			c.Outcome, c.Reason = queue.Expired, cmp.Or(f.expired(d), "not encodable")
		}
		counts[c] += d.Samples
	}
	return queue.Done{Pass: b.pass, Counts: counts}
}

func message(d rollup.Datum) ([]byte, error) {
	return encode.Metric(encode.Datum{Device: d.Device, Name: d.Name, Unit: d.Unit, Value: d.Value, Time: d.Time})
}

// expired returns why a datum is not sent, "" if it is.
func (f *forwarder) expired(d rollup.Datum) string {
	age := f.now().Sub(time.Unix(d.Time, 0))
	switch {
	case age > maxAge:
		return "older than 14 days"
	case !f.hasTimestamp && age > freshAge+f.settings.Window:
		return "rule has no timestamp"
	default:
		return ""
	}
}

// Acked moves the durable position behind the n oldest messages handed out, all in one transaction: after an error
// nothing has moved.
func (f *forwarder) Acked(ctx context.Context, n int) error {
	whole, part := f.plan(n)
	done := make([]queue.Done, len(whole))
	for i, b := range whole {
		done[i] = f.done(b)
	}
	if err := f.q.Settle(ctx, done, part); err != nil {
		return err
	}
	for _, b := range f.apply(n, whole) {
		if err := f.finish(ctx, b); err != nil {
			f.log.Error("finishing a pass failed, trying again", "pass", b.pass.Start, "err", err)
		}
	}
	return nil
}

// plan says what n acknowledgements will have settled: whole batches, and a position in the one after them.
func (f *forwarder) plan(n int) (whole []*batch, part *queue.Pass) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := 0; i < n; {
		b, from := f.handed[i].b, i
		for i < n && f.handed[i].b == b {
			i++
		}
		if b.settled+i-from == len(b.datums) {
			whole = append(whole, b)
			continue
		}
		p := b.pass.Clone()
		p.Next = f.handed[i-1].i + 1
		part = &p
	}
	return whole, part
}

// apply books n acknowledgements that are durable. It returns the batches of which the last datum expired while they
// were being made so, which nothing else would finish.
func (f *forwarder) apply(n int, finished []*batch) (late []*batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.handed[:n] {
		r.b.pass.Next = r.i + 1
		if r.b.settled++; r.b.settled == len(r.b.datums) && !slices.Contains(finished, r.b) {
			late = append(late, r.b)
		}
	}
	f.handed = slices.Delete(f.handed, 0, n)
	f.settled = append(f.settled, late...)
	return late
}
