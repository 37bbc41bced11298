package rules

import "piway/localcore/sql"

// Bounds of what one message can set off by rules that republish. AWS has none and charges for the loop.
const (
	// MaxHops is how often a message may be republished in a row.
	MaxHops = 8
	// MaxRepublished is how many messages may come of one in all.
	MaxRepublished = 1_000
)

// A chain is the way from a client's message to one that a rule republished.
type chain struct {
	hops int
	left *int // of the whole tree, which one goroutine walks
}

func newChain() chain {
	left := MaxRepublished
	return chain{left: &left}
}

// republish hands a message to subscribers and applies the rules that select it. Nobody subscribes to Basic Ingest.
func (e *Engine) republish(m Message, qos byte, c chain) error {
	if c.hops == MaxHops || *c.left == 0 {
		e.rec.count("", func(c *Counts) { c.HopsExceeded++ })
		return fail("HopsExceeded", "republished %d times in a row or %d messages in all, dropped, try: a topic that no "+
			"rule selects", MaxHops, MaxRepublished)
	}
	*c.left--
	if _, _, basicIngest := sql.BasicIngest(m.Topic); !basicIngest {
		if err := e.svc.Republish(m.Topic, qos, m.Payload); err != nil {
			return err
		}
	}
	e.handle(m, chain{c.hops + 1, c.left})
	return nil
}
