package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"piway/gateway/encode"
	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/rollup"
	"piway/shared/sample"
)

// A forwarder turns the queue's passes into the uplink's messages, and the uplink's PUBACKs into the queue's positions.
type forwarder struct {
	q            *queue.Queue
	settings     rollup.Settings
	form         encode.Form
	formMark     string // what the form depends on, for the fingerprint
	hasTimestamp bool   // the rule dates its datums; else AWS takes the time of arrival
	grace        time.Duration
	clockRight   func() bool // nil: always
	now          func() time.Time
	mono         func() time.Duration // measures how long something takes, whatever the clock is set to
	log          *slog.Logger

	// Only Next uses these.
	shelved int64         // the last shelved pass that was begun
	retried time.Duration // when parked datums were last tried again, by mono; 0 for never
	checked int64         // the pass that had closed last when the live lane was last looked at
	asked   time.Duration // when the first message was asked for, which is when AWS is first reached; 0 for never
	told    *progress

	mu      sync.Mutex         // guards the fields below, not held while the queue works
	lanes   [2]*batch          // whose datums are handed out now: the live lane's first
	inHand  map[int64]struct{} // passes that were begun and are not settled
	handed  []ref              // to the uplink and not settled, oldest first
	settled []*batch           // without open datums, to be finished
}

// The lanes. What arrives now goes first, a backlog gets the rest of the rate; lanes only choose the order of messages.
const (
	live = iota
	backlog
)

// liveFor is how long after it closed a pass counts as live, by the monotonic clock: no clock that is set changes a lane.
const liveFor = 30 * time.Second

// undatedFor is how long after AWS was first reached passes wait whose times are those of a clock that is not known to be
// right. With the internet there, that becomes right in seconds, and the times with it; where it never does, they are sent.
const undatedFor = time.Minute

// A ref is a message: the datums from..to-1 of a batch.
type ref struct {
	b        *batch
	from, to int
}

// How old a datum may be.
const (
	// maxAge is what CloudWatch takes (API_MetricDatum, Timestamp), less the time on the way.
	maxAge = 14*24*time.Hour - 10*time.Minute
	// freshAge is what may be shown as "now" by a rule that has no timestamp.
	freshAge = 5 * time.Minute
)

// retryParked is how often parked datums are tried again, beside each start: each try costs connections.
const retryParked = 24 * time.Hour

// fingerprint names all that the numbers of the datums depend on.
func (f *forwarder) fingerprint() string {
	return fmt.Sprintf("rollup %d window %s default %s rules %v form %s", rollup.Version, f.settings.Window, f.settings.Default, f.settings.Rules, f.formMark)
}

// Next returns the next message with datums that AWS still takes.
func (f *forwarder) Next(ctx context.Context) ([]byte, error) {
	for {
		f.told.look(ctx)
		if err := f.look(ctx); err != nil {
			return nil, err
		}
		payload, settled := f.handOut()
		if settled != nil {
			if err := f.finish(ctx, settled); err != nil {
				return nil, err
			}
			continue
		}
		if payload != nil {
			return payload, nil
		}
		if err := f.load(ctx); err != nil {
			return nil, err
		}
	}
}

// look takes up a live pass that closed while a backlog is being sent.
func (f *forwarder) look(ctx context.Context) error {
	closed := f.q.LastClosed()
	if closed == f.checked || !f.behind() {
		return nil
	}
	p, err := f.q.Next(ctx, pass.Order{InHand: f.has, Live: liveFor, LiveOnly: true, Undated: f.undated()}, f.fingerprint())
	if errors.Is(err, pass.ErrNone) {
		f.checked = closed
		return nil
	}
	if err != nil {
		return err
	}
	return f.begin(ctx, p, live)
}

// behind reports whether all that is handed out now is backlog. A pass in the live lane is that too when it has become as
// old: what a Pi kept for long comes at once, so that a live pass may be a long one.
func (f *forwarder) behind() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b := f.lanes[live]; b != nil {
		return f.mono()-b.begun > liveFor
	}
	return f.lanes[backlog] != nil
}

// undated reports whether passes are sent whose times may be wrong.
func (f *forwarder) undated() bool {
	return f.clockRight != nil && !f.clockRight() && f.undatedIn() <= 0
}

// undatedIn is how long they wait yet.
func (f *forwarder) undatedIn() time.Duration {
	if f.asked == 0 {
		f.asked = max(f.mono(), 1)
	}
	return undatedFor - (f.mono() - f.asked)
}

// has reports whether a pass is in hand.
func (f *forwarder) has(start int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.inHand[start]
	return ok
}

// load waits for the next pass, or until undated ones need wait no longer.
func (f *forwarder) load(ctx context.Context) error {
	if f.idle() && (f.retried == 0 || f.mono()-f.retried >= retryParked) {
		f.shelved, f.retried = 0, max(f.mono(), 1)
	}
	waiting := ctx
	if left := f.undatedIn(); left > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, left)
		defer cancel()
	}
	p, err := f.q.Next(waiting, pass.Order{InHand: f.has, Live: liveFor, Shelved: f.shelved, Undated: f.undated()}, f.fingerprint())
	if err != nil {
		if waiting.Err() != nil && ctx.Err() == nil {
			return nil // it is asked for again
		}
		return err
	}
	lane := backlog
	switch {
	case p.Shelved:
		f.shelved = p.Start
	case p.Live:
		lane = live
	}
	return f.begin(ctx, p, lane)
}

// begin reduces a pass and puts it into a lane. One that is in the live lane still yields to it.
func (f *forwarder) begin(ctx context.Context, p pass.Pass, lane int) error {
	datums, err := f.reduce(ctx, p)
	if err != nil {
		f.q.Release(p.Start)
		return err
	}
	b := newBatch(p, datums)
	b.begun = f.mono()
	f.log.Debug("pass begun", "pass", p.Start, "datums", len(b.datums), "from", p.Next, "parked", p.Shelved, "live", lane == live)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.inHand == nil {
		f.inHand = map[int64]struct{}{}
	}
	f.inHand[p.Start] = struct{}{}
	if old := f.lanes[lane]; old != nil {
		old.yielded = true
		f.release(old)
	}
	f.lanes[lane] = b
	if b.open == 0 { // a pass without datums
		f.settled = append(f.settled, b)
	}
	return nil
}

// release lets a pass go that yielded, once nothing of it is under way: it is taken up again in its turn, from where it is on
// the disk, and neither fills the memory nor escapes the queue's bounds until then. f.mu is held.
func (f *forwarder) release(b *batch) {
	if !b.yielded || slices.ContainsFunc(f.handed, func(r ref) bool { return r.b == b }) || slices.Contains(f.settled, b) {
		return
	}
	delete(f.inHand, b.pass.Start)
	f.q.Release(b.pass.Start)
}

// reduce makes the datums of a pass.
func (f *forwarder) reduce(ctx context.Context, p pass.Pass) ([]rollup.Datum, error) {
	set := f.settings
	set.Window = max(set.Window, p.Thinned)
	r := rollup.New(set)
	var err error
	if p.Thinned > 0 {
		err = f.q.EachThinned(ctx, p, func(device string, all []pass.Summary) error {
			for _, s := range all {
				r.AddSummary(device, rollup.Summary(s))
			}
			return nil
		})
	} else {
		err = f.q.Each(ctx, p, func(device string, samples []sample.Sample) error {
			r.Add(device, samples)
			return nil
		})
	}
	return r.Datums(), err
}

// idle reports whether nothing is under way.
func (f *forwarder) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.handed) == 0 && len(f.settled) == 0
}

// handOut returns the next message, of the live lane if it has one, or nil where both are at their end; or a batch of
// which the last open datum was settled without an acknowledgement having done it, and that is to be finished.
func (f *forwarder) handOut() (payload []byte, settled *batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.settled) == 0 {
		b := f.current()
		if b == nil {
			return nil, nil
		}
		if payload := f.message(b); payload != nil {
			return payload, nil
		}
		f.lanes[slices.Index(f.lanes[:], b)] = nil
	}
	return nil, f.settled[0]
}

// current is the batch whose turn it is, nil where all are at their end. f.mu is held.
func (f *forwarder) current() *batch {
	if f.lanes[live] != nil {
		return f.lanes[live]
	}
	return f.lanes[backlog]
}

// message returns the next message of a batch, nil at its end. f.mu is held.
func (f *forwarder) message(b *batch) []byte {
	for from, to := b.run(); from < to; from, to = b.run() {
		// Datums are in the order of time, so if one is not expired no later one is.
		if f.expired(b.datums[from]) == "" {
			payload, n, err := f.form(b.coded[from:to])
			if err == nil {
				b.hand(from, from+n)
				f.handed = append(f.handed, ref{b, from, from + n})
				return payload
			}
			f.log.Error("a datum cannot be sent", "err", err)
		}
		b.expire(from)
		if b.open == 0 {
			f.settled = append(f.settled, b)
			return nil
		}
	}
	return nil
}

// finish takes a batch without open datums off the disk, or leaves what is parked of it there.
func (f *forwarder) finish(ctx context.Context, b *batch) error {
	var done []pass.Done
	var moved []pass.Pass
	if b.pass.Parked.Empty() {
		done = append(done, b.done(f.expired))
	} else {
		moved = append(moved, b.shelve(b.pass.Clone(), 0))
	}
	if err := f.q.Settle(ctx, done, moved); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settled = slices.DeleteFunc(f.settled, func(x *batch) bool { return x == b })
	delete(f.inHand, b.pass.Start)
	return nil
}

// expired returns why a datum is not sent, "" if it is.
func (f *forwarder) expired(d rollup.Datum) string {
	if f.clockRight != nil && !f.clockRight() {
		return "" // how old it is cannot be told
	}
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
