package uplink

import "time"

// A pace keeps the publishes of a connection inside IoT Core's rate whatever the network does to their timing.
//
// IoT Core silently discards what exceeds 100 publishes in a second, by its own clock. A message arrives there after
// it was sent and before its PUBACK came back. So if message i is sent no sooner than a second after the PUBACK of
// message i-100, no second at IoT Core can hold more than 100 of them: a message that was held up on the way delays
// the ones that would otherwise crowd with it. The price is the round trip: 100 messages take a second and a round
// trip.
type pace struct {
	acked []time.Time // of the last len messages that were acknowledged, at their number modulo len
	sent  int         // on this connection
	done  int         // acknowledged on it, in order
}

// reset begins a new connection, which IoT Core counts for itself.
func (p *pace) reset(perSecond int) {
	if len(p.acked) != perSecond {
		p.acked = make([]time.Time, perSecond)
	}
	p.sent, p.done = 0, 0
}

// wait returns how long the next message has to wait; ok is false if that depends on a PUBACK that has not come.
func (p *pace) wait(now time.Time) (d time.Duration, ok bool) {
	before := p.sent - len(p.acked) // the message a second before
	switch {
	case before < 0:
		return 0, true
	case before >= p.done:
		return 0, false
	}
	return max(p.acked[before%len(p.acked)].Add(time.Second).Sub(now), 0), true
}

// send counts a message that is being sent, ack the oldest PUBACK that was not counted.
func (p *pace) send() { p.sent++ }

func (p *pace) ack(now time.Time) {
	if p.done < p.sent {
		p.acked[p.done%len(p.acked)] = now
		p.done++
	}
}
