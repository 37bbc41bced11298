// Package forward sends what waits: it turns the queue's passes into the uplink's messages, and the uplink's
// acknowledgements into the queue's positions. Its promises: each datum is handed out until it is acknowledged, set
// aside or too old for AWS, and what becomes of it is booked in the same transaction that forgets it. What arrives now
// goes first.
package forward

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
	"piway/gateway/rollup"
	"piway/shared/sample"
)

// A Store has the passes that wait. The queue is one; what is promised of its methods stands there.
type Store interface {
	// Next waits for a pass in an order that is not in hand, and has it in hand until Settle or Release. fingerprint
	// names all that the numbers of its datums depend on.
	Next(ctx context.Context, o pass.Order, fingerprint string) (pass.Pass, error)
	// LastClosed is the pass that closed last.
	LastClosed() int64
	// Each and EachThinned read a pass.
	Each(ctx context.Context, p pass.Pass, f func(device string, samples []sample.Sample) error) error
	EachThinned(ctx context.Context, p pass.Pass, f func(device string, all []pass.Summary) error) error
	// Settle makes durable what became of passes, all of it or nothing. Release gives one back.
	Settle(ctx context.Context, done []pass.Done, moved []pass.Pass) error
	// SettleSoon is Settle that may wait for what else becomes durable, until Hurry.
	SettleSoon(ctx context.Context, done []pass.Done, moved []pass.Pass) error
	Hurry()
	Release(start int64)
	// Backlog says how many closed passes wait, and the start of the oldest.
	Backlog(ctx context.Context) (passes int, oldest int64, err error)
}

// Config says what is sent, and in which form.
type Config struct {
	Store  Store
	Rollup rollup.Settings
	Form   encode.Form
	// FormMark names what the form depends on. Passes of which a part was sent in another one are sent again.
	FormMark string
	// HasTimestamp says that the rule dates its datums; else AWS takes the time of arrival, and old ones are not sent.
	HasTimestamp bool
	// ClockRight reports whether Now is right; nil means always. While it is not, nothing is too old, nor too new.
	ClockRight func() bool
	Now        func() time.Time
	// SinceBoot measures how long something takes, whatever the clock is set to.
	SinceBoot func() time.Duration
	// Log must be set.
	Log *slog.Logger
}

// New returns a forwarder. One goroutine calls its Next.
func New(cfg Config) *Forwarder {
	return &Forwarder{cfg: cfg, progress: &progress{store: cfg.Store, log: cfg.Log, last: time.Now()}}
}

// Backlog says what waits now, with the last estimate of how long it takes. It is safe to call at any time.
func (f *Forwarder) Backlog(ctx context.Context) (Backlog, error) { return f.progress.backlog(ctx) }

// A Forwarder stands between the queue and the uplink.
type Forwarder struct {
	cfg      Config
	progress *progress

	// Only Next uses these.
	shelved int64         // the last shelved pass that was begun
	retried time.Duration // when parked datums were last tried again, by mono; 0 for never
	checked int64         // the pass that had closed last when the live lane was last looked at
	asked   time.Duration // when the first message was asked for, which is when AWS is first reached; 0 for never

	mu      sync.Mutex // guards the fields below, not held while the queue works
	lanes   [2]*inHand // whose datums are handed out now: the live lane's first
	handed  []ref      // to the uplink and not settled, oldest first
	settled []*inHand  // without open datums, to be finished
}

// The lanes. What arrives now goes first, a backlog gets the rest of the rate; lanes only choose the order of messages.
const (
	live = iota
	backlog
)

// liveFor is how long after it closed a pass counts as live, by the monotonic clock: no clock that is set changes a
// lane.
const liveFor = 30 * time.Second

// undatedFor is how long after AWS was first reached passes wait whose times are those of a clock that is not known to
// be right. With the internet there, that becomes right in seconds, and the times with it; where it never does, they
// are sent.
const undatedFor = time.Minute

// A ref is a message: the datums from..to-1 of a pass.
type ref struct {
	h        *inHand
	from, to int
}

// How old a datum may be.
const (
	// MaxAge is what CloudWatch takes (API_MetricDatum, Timestamp), less the time on the way.
	MaxAge = 14*24*time.Hour - 10*time.Minute
	// freshAge is what may be shown as "now" by a rule that has no timestamp.
	freshAge = 5 * time.Minute
)

// retryParked is how often parked datums are tried again, beside each start: each try costs connections.
const retryParked = 24 * time.Hour

// fingerprint names all that the numbers of the datums depend on.
func (f *Forwarder) fingerprint() string {
	set := f.cfg.Rollup
	return fmt.Sprintf("rollup %d window %s default %s rules %v kept %d of %d form %s",
		rollup.Version, set.Window, set.Default, set.Rules, rollup.MaxKept, rollup.MaxDevice, f.cfg.FormMark)
}

// Next returns the next message with datums that AWS still takes.
func (f *Forwarder) Next(ctx context.Context) ([]byte, error) {
	for {
		f.progress.look(ctx)
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
func (f *Forwarder) look(ctx context.Context) error {
	closed := f.cfg.Store.LastClosed()
	if closed == f.checked || !f.behind() {
		return nil
	}
	p, err := f.cfg.Store.Next(ctx, pass.Order{Live: liveFor, LiveOnly: true, Undated: f.undated()}, f.fingerprint())
	if errors.Is(err, pass.ErrNone) {
		f.checked = closed
		return nil
	}
	if err != nil {
		return err
	}
	return f.begin(ctx, p, live)
}

// behind reports whether all that is handed out now is backlog. A pass in the live lane is that too when it has been
// there for liveFor, or for a window if that is less, since then another one has closed: what a Pi kept for long comes
// at once, so that a live pass may be a long one, and what is fresh of each device goes first in it.
func (f *Forwarder) behind() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h := f.lanes[live]; h != nil {
		return f.cfg.SinceBoot()-h.begun > min(liveFor, f.cfg.Rollup.Window)
	}
	return f.lanes[backlog] != nil
}

// undated reports whether passes are sent whose times may be wrong.
func (f *Forwarder) undated() bool {
	return f.cfg.ClockRight != nil && !f.cfg.ClockRight() && f.undatedIn() <= 0
}

// undatedIn is how long they wait yet.
func (f *Forwarder) undatedIn() time.Duration {
	if f.asked == 0 {
		f.asked = max(f.cfg.SinceBoot(), 1)
	}
	return undatedFor - (f.cfg.SinceBoot() - f.asked)
}

// load waits for the next pass, or until undated ones need wait no longer.
func (f *Forwarder) load(ctx context.Context) error {
	if f.idle() && (f.retried == 0 || f.cfg.SinceBoot()-f.retried >= retryParked) {
		f.shelved, f.retried = 0, max(f.cfg.SinceBoot(), 1)
	}
	waiting := ctx
	if left := f.undatedIn(); left > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, left)
		defer cancel()
	}
	o := pass.Order{Live: liveFor, Shelved: f.shelved, Undated: f.undated()}
	p, err := f.cfg.Store.Next(waiting, o, f.fingerprint())
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
func (f *Forwarder) begin(ctx context.Context, p pass.Pass, lane int) error {
	datums, err := f.reduce(ctx, p)
	if err != nil {
		f.cfg.Store.Release(p.Start)
		return err
	}
	h := newInHand(p, datums)
	h.begun = f.cfg.SinceBoot()
	f.cfg.Log.Debug("pass begun", "pass", p.Start, "datums", len(h.datums), "from", p.Next, "parked", p.Shelved, "live",
		lane == live)
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := f.lanes[lane]; old != nil {
		old.yielded = true
		f.release(old)
	}
	f.lanes[lane] = h
	if h.open == 0 { // a pass without datums
		f.settled = append(f.settled, h)
	}
	return nil
}

// release lets a pass go that yielded, once nothing of it is under way: it is taken up again in its turn, from where
// it is on the disk, and neither fills the memory nor escapes the queue's bounds until then. f.mu is held.
func (f *Forwarder) release(h *inHand) {
	if !h.yielded || slices.ContainsFunc(f.handed, func(r ref) bool { return r.h == h }) || slices.Contains(f.settled, h) {
		return
	}
	f.cfg.Store.Release(h.pass.Start)
}

// reduce makes the datums of a pass.
func (f *Forwarder) reduce(ctx context.Context, p pass.Pass) ([]pass.Datum, error) {
	set := f.cfg.Rollup
	set.Window = max(set.Window, p.Thinned)
	r := rollup.New(set)
	var err error
	if p.Thinned > 0 {
		err = f.cfg.Store.EachThinned(ctx, p, func(device string, all []pass.Summary) error {
			for _, s := range all {
				r.AddSummary(device, s)
			}
			return nil
		})
	} else {
		err = f.cfg.Store.Each(ctx, p, func(device string, samples []sample.Sample) error {
			r.Add(device, samples)
			return nil
		})
	}
	return r.Datums(), err
}

// idle reports whether nothing is under way.
func (f *Forwarder) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.handed) == 0 && len(f.settled) == 0
}

// handOut returns the next message, of the live lane if it has one, or nil where both are at their end; or a pass of
// which the last open datum was settled without an acknowledgement having done it, and that is to be finished.
func (f *Forwarder) handOut() (payload []byte, settled *inHand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.settled) == 0 {
		h := f.current()
		if h == nil {
			return nil, nil
		}
		if payload := f.message(h); payload != nil {
			return payload, nil
		}
		f.lanes[slices.Index(f.lanes[:], h)] = nil
	}
	return nil, f.settled[0]
}

// current is the pass in hand whose turn it is, nil where all are at their end. f.mu is held.
func (f *Forwarder) current() *inHand {
	if f.lanes[live] != nil {
		return f.lanes[live]
	}
	return f.lanes[backlog]
}

// message returns the next message of a pass, nil at its end. f.mu is held.
func (f *Forwarder) message(h *inHand) []byte {
	for from, to := h.run(); from < to; from, to = h.run() {
		if f.expired(h.datums[from]) == "" {
			payload, n, err := f.pack(h, from, to)
			if err == nil {
				h.hand(from, from+n)
				f.handed = append(f.handed, ref{h, from, from + n})
				return payload
			}
			f.cfg.Log.Error("a datum cannot be sent", "err", err)
		}
		h.expire(from)
		if h.open == 0 {
			f.settled = append(f.settled, h)
			return nil
		}
	}
	return nil
}

// pack makes a message of the first n of the datums from..to-1, of which none has expired. It looks at few more than go
// into it, since datums are not in the order of time, and a pass may be long.
func (f *Forwarder) pack(h *inHand, from, to int) (payload []byte, n int, err error) {
	for look := max(h.look, 1); ; look *= 2 {
		end := from
		for end < min(from+look, to) && f.expired(h.datums[end]) == "" {
			end++
		}
		payload, n, err = f.cfg.Form(h.datums[from:end])
		if err != nil || n < end-from || end < from+look || end == to {
			h.look = 2 * n
			return payload, n, err
		}
	}
}

// finish takes a pass without open datums off the disk, or leaves what is parked of it there.
func (f *Forwarder) finish(ctx context.Context, h *inHand) error {
	var done []pass.Done
	var moved []pass.Pass
	if h.pass.Parked.Empty() {
		done = append(done, h.done(f.expired))
	} else {
		moved = append(moved, h.shelve(h.pass.Clone(), 0))
	}
	if err := f.cfg.Store.Settle(ctx, done, moved); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settled = slices.DeleteFunc(f.settled, func(x *inHand) bool { return x == h })
	return nil
}

// expired returns why a datum is not sent, "" if it is.
func (f *Forwarder) expired(d pass.Datum) string {
	if f.cfg.ClockRight != nil && !f.cfg.ClockRight() {
		return "" // how old it is cannot be told
	}
	age := f.cfg.Now().Sub(time.Unix(d.Time, 0))
	switch {
	case age > MaxAge:
		return "older than 14 days"
	case age < -sample.MaxAhead: // it came while the gateway's own clock could not tell, and was not refused
		return "more than 2 h in the future"
	case !f.cfg.HasTimestamp && age > freshAge+f.cfg.Rollup.Window:
		return "rule has no timestamp"
	default:
		return ""
	}
}
