package feedback

import (
	"time"

	"piway/shared/mqttlink"
)

// canary is the state of the message that goes round. Its zero value sends one at once.
type canary struct {
	timer    *time.Timer // for the next one
	waiting  *time.Timer // for the answer; nil if none is under way
	delivery *mqttlink.Delivery
	denied   int  // times in a row that publishing it ended the connection
	failing  bool // the last one was not answered, and that is told
	answered bool // the last one was, and that is told
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

// late fires when the answer is overdue.
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

func (l *Listener) sendCanary(link *mqttlink.Link) {
	c := l.cfg.Canary
	l.canary.delivery = link.Publish(c.Topic, c.Payload(time.Now()))
	l.canary.waiting = time.NewTimer(c.Wait)
}

// canaryPublished looks at whether AWS took it. If it closes the connection on it each time, the policy denies it.
// It returns the error of the publish.
func (l *Listener) canaryPublished() error {
	err := l.canary.delivery.Err()
	l.canary.delivery = nil
	if err == nil {
		l.canary.denied = 0
		return nil
	}
	l.canary.denied++
	if l.canary.denied < 2 { // perhaps the line broke just then
		l.canary.again(0)
		return err
	}
	l.canary.again(deniedRetry)
	if l.canary.denied > 2 {
		return err
	}
	l.cfg.Log.Warn("AWS does not let the gateway test its rule; data goes on being sent, and failures are listened for", "err", err,
		"try", "allow iot:Publish on topic/"+l.cfg.Canary.Topic+" for the client "+l.cfg.ClientID+" (piway-gateway aws print policy), or set uplink.canary to 0s")
	return err
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
	if l.canary.waiting == nil {
		return // of an earlier one, or twice
	}
	if !l.canary.answered {
		l.cfg.Log.Info("AWS's topic rule answers the test message", "topic", l.cfg.Canary.Topic)
	}
	l.canary.failing, l.canary.answered = false, true
	l.canary.again(l.cfg.Canary.Every)
}

func (l *Listener) canaryLate() {
	if !l.canary.failing {
		l.canary.failing, l.canary.answered = true, false
		topic := l.cfg.Canary.Topic
		l.cfg.Log.Error("no rule answers: what is sent to AWS is acknowledged and lost", "topic", topic, "waited", l.cfg.Canary.Wait,
			"try", missing(topic, l.cfg.Topics[0]))
	}
	l.canary.again(canaryRetry)
}
