package mqttlink

import (
	"context"
	"fmt"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// A Delivery is one publish under way. It always ends: with the PUBACK, with an error, or with the link.
type Delivery struct {
	done chan struct{}
	err  error // written before done is closed
}

// Done is closed when the outcome is known. Bound the wait yourself: a broker may withhold a PUBACK for
// as long as it keeps the connection.
func (d *Delivery) Done() <-chan struct{} { return d.done }

// Err is the outcome, valid after Done: nil means that the broker's PUBACK was received on this connection.
// Any other value means that the broker may or may not have the message.
func (d *Delivery) Err() error { return d.err }

// Publish sends payload with QoS 1, not retained; deliveries leave in the order of the calls if these do not overlap.
// It blocks only while the socket is full, for at most 10 s. payload must not change until Done.
func (l *Link) Publish(topic string, payload []byte) *Delivery {
	d := &Delivery{done: make(chan struct{})}
	if err := l.begin(); err != nil {
		d.settle(fmt.Errorf("publishing to %q: %w", topic, err))
		return d
	}
	token, err := l.hand(func() paho.Token { return l.client.Publish(topic, 1, false, payload) })
	go func() {
		defer l.pending.Done()
		if err == nil {
			err = l.settled(context.Background(), token)
		}
		if err != nil {
			err = fmt.Errorf("publishing to %q: %w", topic, err)
		}
		d.settle(err)
	}()
	return d
}

// Subscribe asks for the messages that match filter, with QoS 1, and returns after the broker granted it.
// h is called in a goroutine of its own for each message and must not keep payload's bytes after it returns.
func (l *Link) Subscribe(ctx context.Context, filter string, h func(topic string, payload []byte)) error {
	if err := l.begin(); err != nil {
		return fmt.Errorf("subscribing to %q: %w", filter, err)
	}
	defer l.pending.Done()
	token, err := l.hand(func() paho.Token {
		return l.client.Subscribe(filter, 1, func(_ paho.Client, m paho.Message) { h(m.Topic(), m.Payload()) })
	})
	if err == nil {
		err = l.settled(ctx, token)
	}
	if err != nil {
		return fmt.Errorf("subscribing to %q: %w", filter, err)
	}
	sub, ok := token.(*paho.SubscribeToken)
	if !ok || sub.Result()[filter] > 2 { // [MQTT-3.9.3-2]: 0x80 is a refusal
		return fmt.Errorf("subscribing to %q: refused by the broker", filter)
	}
	return nil
}

// SubscribeInOrder is Subscribe for one topic, whose messages h gets in the order in which they came: when a Delivery
// is done, h has returned for all that came before its PUBACK. So h must be quick, and call nothing of the Link. It
// must not keep payload's bytes after it returns. A message of more than 256 KiB is not read.
func (l *Link) SubscribeInOrder(ctx context.Context, topic string, h func(payload []byte)) error {
	l.wire.in.listen(topic, h)
	err := l.Subscribe(ctx, topic, func(string, []byte) {})
	if err != nil {
		l.wire.in.listen(topic, nil)
	}
	return err
}

// hand gives the library something to send, and returns early when the link is lost: the library itself
// would then hold the caller for the whole write timeout. What it was given ends by itself within that time.
func (l *Link) hand(send func() paho.Token) (paho.Token, error) {
	handed := make(chan paho.Token, 1)
	go func() { handed <- send() }()
	select {
	case token := <-handed:
		return token, nil
	case <-l.lost:
		return nil, l.Err()
	}
}

// begin counts an operation that Close must wait for, or says why none can start.
func (l *Link) begin() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.pending.Add(1)
	return nil
}

// settled waits until token completes, the link is lost or ctx ends.
// The token alone is not enough: one that is made while the connection goes down never completes.
func (l *Link) settled(ctx context.Context, token paho.Token) error {
	select {
	case <-token.Done():
		return token.Error()
	case <-ctx.Done():
		return ctx.Err()
	case <-l.lost:
	}
	select {
	case <-token.Done(): // the acknowledgement came before the end
		return token.Error()
	default:
		return l.Err()
	}
}

func (d *Delivery) settle(err error) {
	d.err = err
	close(d.done)
}
