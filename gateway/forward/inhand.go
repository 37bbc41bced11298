package forward

import (
	"cmp"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue/ledger"
)

// inHand is a pass in hand and the datums made of it. Each datum is open until it is acknowledged, expired or parked.
type inHand struct {
	pass   pass.Pass
	datums []pass.Datum
	from   int // those below were settled or parked before, and of these only the ones in retry are open
	retry  pass.Numbers
	next   int // to be handed out
	look   int // how many are looked at for the next message: twice those of the last one
	open   int

	begun   time.Duration // by the Forwarder's monotonic clock
	yielded bool          // another has taken its place in the live lane
}

// newInHand takes up a pass where it was left. What is parked is only tried again when nothing else is left of the pass.
func newInHand(p pass.Pass, datums []pass.Datum) *inHand {
	h := &inHand{pass: p, datums: datums, from: min(p.Next, len(datums)), next: p.Next}
	h.open = len(datums) - h.from
	if p.Shelved {
		h.retry, h.next = p.Clone().Parked, 0
		for i := range h.from {
			if h.retry.Has(i) {
				h.open++
			}
		}
	}
	return h
}

// run returns the bounds of the next datums that are open, with from = to at the end.
func (h *inHand) run() (from, to int) {
	for h.next < h.from && !h.retry.Has(h.next) {
		h.next++
	}
	if h.next >= h.from {
		return h.next, len(h.datums)
	}
	to = h.next
	for to < h.from && h.retry.Has(to) {
		to++
	}
	return h.next, to
}

// expire settles a datum that is not sent.
func (h *inHand) expire(i int) {
	h.next = i + 1
	h.pass.Expired.Add(i)
	h.pass.Parked.Remove(i)
	h.open--
}

// hand takes datums out that are being sent.
func (h *inHand) hand(from, to int) {
	h.next = to
	for i := from; i < to; i++ {
		h.pass.Expired.Remove(i) // as it was noted before a restart; the clock says otherwise now
	}
}

// acked returns the pass with these datums acknowledged.
func acked(p pass.Pass, from, to int) pass.Pass {
	p = p.Clone()
	p.Next = max(p.Next, to)
	for i := from; i < to; i++ {
		p.Parked.Remove(i)
	}
	return p
}

// parked returns the pass with these datums set aside.
func parked(p pass.Pass, from, to int) pass.Pass {
	p = p.Clone()
	p.Next = max(p.Next, to)
	for i := from; i < to; i++ {
		p.Parked.Add(i)
	}
	return p
}

// reasonParked is why a datum is parked: AWS ends the connection whenever it is sent, and takes others.
const reasonParked = "connection closed on it"

// shelve completes what is to be written of a pass of which parked datums are left, or whose parked datums changed.
func (h *inHand) shelve(p pass.Pass, open int) pass.Pass {
	p.Shelved = open == 0
	p.ParkedCounts = map[ledger.Count]int{}
	for i, d := range h.datums {
		if p.Parked.Has(i) {
			p.ParkedCounts[ledger.Count{Device: d.Device, Outcome: ledger.Parked, Reason: reasonParked}] += d.Samples
		}
	}
	return p
}

// done books what became of the samples of a pass of which nothing is open nor parked. why says why a datum expired.
func (h *inHand) done(why func(pass.Datum) string) pass.Done {
	counts := map[ledger.Count]int{}
	for i, d := range h.datums {
		c := ledger.Count{Device: d.Device, Outcome: ledger.Sent}
		if h.pass.Expired.Has(i) {
			c.Outcome, c.Reason = ledger.Expired, cmp.Or(why(d), "not encodable")
		}
		counts[c] += d.Samples
	}
	return pass.Done{Pass: h.pass, Counts: counts}
}
