package queue

import (
	"time"

	"piway/gateway/pass"
)

const (
	// unnamedLinger bounds the wait of what cannot be recognised when it comes again, and of an agent's first report:
	// their sender may be a command of cron's that ends at its PUBACK.
	unnamedLinger = 200 * time.Millisecond
	// busyFor is for how long after a commit its senders are taken for busy: what they send next is sent because of the
	// acknowledgement, and waits for nothing.
	busyFor = 250 * time.Millisecond
	// maxWaiting bounds the bytes that wait: reports of a backlog are large.
	maxWaiting = 1 << 20
	// beforeClosing is how long before its pass closes an entry is stored at the latest: twice what may be late.
	beforeClosing = 2 * closeEvery
)

// A wait says how long ops may wait for others, so that one commit serves them all: until the first of them may not any
// more. The goroutine of Run uses it.
type wait struct {
	cfg   *Config
	timer *time.Timer
	until time.Duration // monotonic

	seen    int             // how many of the ops it knows
	bytes   int             // of their samples
	devices map[string]bool // whose entries wait
	// Devices that were served since turned, and in the busyFor before that.
	served, before map[string]bool
	turned         time.Duration
}

func newWait(cfg *Config) *wait {
	w := &wait{
		cfg: cfg, timer: time.NewTimer(0), devices: map[string]bool{}, served: map[string]bool{}, before: map[string]bool{},
	}
	w.timer.Stop()
	return w
}

func (w *wait) stop() { w.timer.Stop() }

// over has a value when the wait is.
func (w *wait) over() <-chan time.Time { return w.timer.C }

// joined notes the ops that wait, and reports whether they still may.
func (w *wait) joined(ops []op, at instant) bool {
	for i := range ops[w.seen:] {
		o := &ops[w.seen+i]
		if until := at.mono + w.of(o, at); w.seen+i == 0 || until < w.until {
			w.until = until
		}
		if o.entry != nil {
			w.devices[o.entry.Device] = true
			w.bytes += len(o.entry.blob)
		}
	}
	w.seen = len(ops)
	left := w.until - at.mono
	if w.bytes > maxWaiting {
		left = 0
	}
	w.timer.Reset(left)
	return left > 0
}

// committed notes that nothing waits any more.
func (w *wait) committed(now time.Duration) {
	w.timer.Stop()
	w.seen, w.bytes = 0, 0
	if now-w.turned >= busyFor {
		w.before, w.served, w.turned = w.served, map[string]bool{}, now
	}
	for device := range w.devices {
		w.served[device] = true
	}
	clear(w.devices)
}

// of is how long an op may wait.
func (w *wait) of(o *op, at instant) time.Duration {
	e := o.entry
	switch {
	case e == nil:
		return o.patient
	case len(e.Claims) > 0 || w.busy(e.Device, at.mono): // others are undecided until a claim is on disk
		return 0
	case e.Run == "" || e.Seq <= 1:
		return min(unnamedLinger, w.linger(e, at))
	default:
		return w.linger(e, at)
	}
}

// busy reports whether a device sends one report after the other: another one waits, or was served just now.
func (w *wait) busy(device string, now time.Duration) bool {
	age := now - w.turned
	return w.devices[device] || age < 2*busyFor && w.served[device] || age < busyFor && w.before[device]
}

// linger is how long an entry may wait without missing its pass: else its window would get a second datum.
func (w *wait) linger(e *encoded, at instant) time.Duration {
	window, grace := w.cfg.Window, w.cfg.Grace
	closes := time.Unix(pass.Clamp(e.newest, at.wall, window, grace), 0).Add(window + grace)
	return min(w.cfg.Linger, max(0, closes.Sub(at.wall)-beforeClosing))
}
