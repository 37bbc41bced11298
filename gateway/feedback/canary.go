package feedback

import (
	"time"

	"piway/shared/mqttlink"
)

// canary is the state of the message that goes round. Its zero value sends one at once.
type canary struct {
	timer    *time.Timer // for the next one
	waiting  *time.Timer // for the PUBACK, then for the answer; nil if none is under way
	delivery *mqttlink.Delivery
	former   bool // it goes to the former topic
	denied   int  // times in a row that publishing it ended the connection
	warned   struct {
		denied, failing, answered, former bool // what was said last, until it changes
	}
}

// due fires when the next canary is to be sent.
func (c *canary) due(cfg *Canary) <-chan time.Time {
	if cfg == nil || c.waiting != nil {
		return nil
	}
	if c.timer == nil {
		c.timer = time.NewTimer(0)
	}
	return c.timer.C
}

// published fires when the outcome of publishing is known.
func (c *canary) published() <-chan struct{} {
	if c.delivery == nil {
		return nil
	}
	return c.delivery.Done()
}

// late fires when the PUBACK or the answer is overdue.
func (c *canary) late() <-chan time.Time {
	if c.waiting == nil {
		return nil
	}
	return c.waiting.C
}

// again sets the time of the next one.
func (c *canary) again(d time.Duration) {
	c.waiting, c.delivery = nil, nil
	c.timer = time.NewTimer(d)
}

// topic is where the canary under way, or the next one, goes.
func (c *canary) topic(cfg *Canary) string {
	if c.former {
		return cfg.Former
	}
	return cfg.Topic
}

func (l *Listener) sendCanary(link *mqttlink.Link) {
	c := l.cfg.Canary
	l.canary.delivery = link.Publish(l.canary.topic(c), c.Payload(time.Now()))
	l.canary.waiting = time.NewTimer(pubackWait)
}

// canaryPublished looks at whether AWS took it. If it closes the connection on it each time, the policy denies it.
// It returns the error of the publish.
func (l *Listener) canaryPublished() error {
	c := &l.canary
	err := c.delivery.Err()
	c.delivery = nil
	if err == nil {
		c.denied = 0
		c.waiting = time.NewTimer(l.cfg.Canary.Wait)
		return nil
	}
	if c.denied++; c.denied < 2 { // perhaps the line broke just then
		c.again(0)
		return err
	}
	c.denied = 0
	if !c.former && l.cfg.Canary.Former != "" {
		c.former = true
		c.again(0)
		return err
	}
	c.former = false
	c.again(deniedRetry)
	if !c.warned.denied {
		c.warned.denied = true
		l.cfg.Log.Warn("AWS does not let the gateway test its rule; it still sends data and listens for failures", "err", err,
			"try", l.cfg.renew()+", or set uplink.canary to 0s")
	}
	return err
}

// renew says how AWS's policy comes to allow the canary.
func (c *Config) renew() string {
	return "piway-gateway aws setup again, which renews the policy, or allow iot:Publish on topic/" + c.Canary.Topic +
		" for the client " + c.ClientID + " (piway-gateway aws print policy)"
}

// interrupted looks after a canary that was under way when the connection ended: its answer cannot come any more.
func (l *Listener) interrupted() {
	switch {
	case l.canary.delivery != nil:
		<-l.canary.delivery.Done() // ends with the link
		_ = l.canaryPublished()    // what there was to tell is told
	case l.canary.waiting != nil:
		l.canary.again(0)
	}
}

// canaryAnswered takes the report of the canary. That the canary fails is as it must be; that something else is in the
// way of all messages is worth telling.
func (l *Listener) canaryAnswered(f *Failure) {
	if Blocks(f.Reason) {
		l.tellFailure(f)
	}
	c := &l.canary
	if c.waiting == nil {
		return // of an earlier one, or twice
	}
	l.tellAnswer()
	if l.cfg.OnAnswer != nil {
		l.cfg.OnAnswer(c.former)
	}
	every := l.cfg.Canary.Every
	if c.former { // the next one finds out whether the policy was renewed
		c.former, every = false, min(every, deniedRetry)
	}
	c.again(every)
}

// tellAnswer tells on which topic a rule answers, if that is new.
func (l *Listener) tellAnswer() {
	c := &l.canary
	topic := c.topic(l.cfg.Canary)
	switch {
	case c.former && !c.warned.former:
		l.cfg.Log.Warn("AWS has the policy of an earlier version; the gateway uses its topic, where the rule answers",
			"topic", topic, "try", l.cfg.renew())
	case !c.former && !c.warned.answered, !c.former && c.warned.former:
		l.cfg.Log.Info("AWS's topic rule answers the test message", "topic", topic)
	}
	c.warned.denied, c.warned.failing, c.warned.answered, c.warned.former = false, false, true, c.former
}

func (l *Listener) canaryLate(link *mqttlink.Link) {
	c := &l.canary
	if c.delivery != nil { // not acknowledged, so nothing is known of the rule
		link.Close() // which ends the delivery, and the session
		return
	}
	if !c.warned.failing {
		c.warned.failing, c.warned.answered, c.warned.former = true, false, false
		l.tellLate(c.topic(l.cfg.Canary))
	}
	c.former = false
	c.again(canaryRetry)
}

func (l *Listener) tellLate(topic string) {
	if l.canary.former {
		l.cfg.Log.Error("AWS has the policy of an earlier version, and no rule answers on its topic: nothing is sent, "+
			"everything is kept",
			"topic", topic, "waited", l.cfg.Canary.Wait, "try", l.cfg.renew())
		return
	}
	l.cfg.Log.Error("no rule answers: what is sent to AWS is acknowledged and lost", "topic", topic, "waited",
		l.cfg.Canary.Wait,
		"try", missing(topic, l.cfg.Topics[0]))
}
