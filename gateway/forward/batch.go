package forward

import (
	"cmp"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue/ledger"
)

// A batch is a pass and the datums made of it. Each datum is open until it is acknowledged, expired or parked.
type batch struct {
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

// newBatch takes up a pass where it was left. What is parked is only tried again when nothing else is left of the pass.
func newBatch(p pass.Pass, datums []pass.Datum) *batch {
	b := &batch{pass: p, datums: datums, from: min(p.Next, len(datums)), next: p.Next}
	b.open = len(datums) - b.from
	if p.Shelved {
		b.retry, b.next = p.Clone().Parked, 0
		for i := range b.from {
			if b.retry.Has(i) {
				b.open++
			}
		}
	}
	return b
}

// run returns the bounds of the next datums that are open, with from = to at the end.
func (b *batch) run() (from, to int) {
	for b.next < b.from && !b.retry.Has(b.next) {
		b.next++
	}
	if b.next >= b.from {
		return b.next, len(b.datums)
	}
	to = b.next
	for to < b.from && b.retry.Has(to) {
		to++
	}
	return b.next, to
}

// expire settles a datum that is not sent.
func (b *batch) expire(i int) {
	b.next = i + 1
	b.pass.Expired.Add(i)
	b.pass.Parked.Remove(i)
	b.open--
}

// hand takes datums out that are being sent.
func (b *batch) hand(from, to int) {
	b.next = to
	for i := from; i < to; i++ {
		b.pass.Expired.Remove(i) // as it was noted before a restart; the clock says otherwise now
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
func (b *batch) shelve(p pass.Pass, open int) pass.Pass {
	p.Shelved = open == 0
	p.ParkedCounts = map[ledger.Count]int{}
	for i, d := range b.datums {
		if p.Parked.Has(i) {
			p.ParkedCounts[ledger.Count{Device: d.Device, Outcome: ledger.Parked, Reason: reasonParked}] += d.Samples
		}
	}
	return p
}

// done books what became of the samples of a batch of which nothing is open nor parked. why says why a datum expired.
func (b *batch) done(why func(pass.Datum) string) pass.Done {
	counts := map[ledger.Count]int{}
	for i, d := range b.datums {
		c := ledger.Count{Device: d.Device, Outcome: ledger.Sent}
		if b.pass.Expired.Has(i) {
			c.Outcome, c.Reason = ledger.Expired, cmp.Or(why(d), "not encodable")
		}
		counts[c] += d.Samples
	}
	return pass.Done{Pass: b.pass, Counts: counts}
}
