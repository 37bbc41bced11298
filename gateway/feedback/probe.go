package feedback

import (
	"context"
	"errors"
	"fmt"
	"time"

	"piway/shared/config"
	"piway/shared/mqttlink"
)

// ErrNoListening is returned by Probe when AWS does not let this client hear of failures.
var ErrNoListening = errors.New("not allowed to listen for failures")

// Probe sends the canary round once, on a connection of its own, and returns the report that came back. An error says
// how far it came: if ctx ended, no rule answered. No other connection with the client id may exist: AWS would close
// it.
func Probe(ctx context.Context, cfg Config) (Failure, error) {
	link, err := cfg.connectBy(ctx, mqttlink.ConnectTwice)
	if err != nil {
		return Failure{}, fmt.Errorf("connecting as %s: %w", cfg.ClientID, err)
	}
	defer link.Close()
	answers := make(chan Failure, 1)
	if err := subscribeOwn(ctx, link, &cfg, answers); err != nil {
		return Failure{}, fmt.Errorf("%w: %w", ErrNoListening, err)
	}
	d := link.Publish(cfg.Canary.Topic, cfg.Canary.Payload(time.Now()))
	select {
	case <-d.Done():
	case <-ctx.Done():
		return Failure{}, ctx.Err()
	}
	if err := d.Err(); err != nil {
		return Failure{}, config.Try(err, cfg.renew())
	}
	select {
	case f := <-answers:
		return f, nil
	case <-link.Lost():
		return Failure{}, link.Err()
	case <-ctx.Done():
		return Failure{}, config.Try(errors.New("no answer: what is sent to AWS would be acknowledged and lost"),
			missing(cfg.Canary.Topic, cfg.Topics[0]))
	}
}

// subscribeOwn hands the first report of a message of this very client to answers.
func subscribeOwn(ctx context.Context, link *mqttlink.Link, cfg *Config, answers chan<- Failure) error {
	for _, topic := range cfg.Topics {
		err := link.Subscribe(ctx, topic, func(_ string, payload []byte) {
			f, err := Parse(payload)
			if err != nil || f.ClientID != cfg.ClientID {
				return
			}
			select {
			case answers <- f:
			default: // one is enough
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
