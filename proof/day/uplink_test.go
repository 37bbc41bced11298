package day_test

import (
	"context"
	"errors"
	"time"

	"piway/gateway/settings"
)

// A source is where the uplink's messages come from.
type source interface {
	Next(ctx context.Context) ([]byte, error)
	Acked(ctx context.Context, n int) error
}

// An upstream stands in for gateway/uplink and for AWS, since no network works in a bubble. It takes messages as the uplink
// does: as many at once as its window has, at most as many a second as it may; and it tells the source what is
// acknowledged as it does: one telling at a time, of all that is then.
type upstream struct {
	src     source
	window  int
	spacing time.Duration // of two messages
	trip    time.Duration // from a publish to its PUBACK

	bytes, messages int64
}

func newUpstream(src source, cfg *settings.Uplink, trip time.Duration) *upstream {
	return &upstream{src: src, window: cfg.Window, spacing: time.Second / time.Duration(cfg.PublishesPerSecond), trip: trip}
}

// run ends with ctx.
func (c *upstream) run(ctx context.Context) error {
	next, failed := make(chan []byte), make(chan error, 1)
	go func() { failed <- c.fetch(ctx, next) }()
	var due []time.Time // of the PUBACKs to come, from the durable position on
	settled, confirming := 0, 0
	confirmed := make(chan error, 1)
	for {
		for settled < len(due) && !time.Now().Before(due[settled]) {
			settled++
		}
		if n := settled; confirming == 0 && n > 0 {
			confirming = n
			go func() { confirmed <- c.src.Acked(context.WithoutCancel(ctx), n) }()
		}
		var more chan []byte
		if len(due) < c.window {
			more = next
		}
		select {
		case m := <-more:
			c.bytes += int64(len(m))
			c.messages++
			due = append(due, time.Now().Add(c.trip))
			time.Sleep(c.spacing)
		case <-puback(due, settled):
		case err := <-confirmed:
			if err != nil {
				return err
			}
			due, settled, confirming = due[confirming:], settled-confirming, 0
		case err := <-failed:
			if confirming > 0 {
				err = errors.Join(err, <-confirmed)
			}
			return err
		}
	}
}

// puback is when the oldest message that is under way is acknowledged; nil if there is none.
func puback(due []time.Time, settled int) <-chan time.Time {
	if settled == len(due) {
		return nil
	}
	return time.After(time.Until(due[settled]))
}

// fetch keeps one message ready.
func (c *upstream) fetch(ctx context.Context, next chan<- []byte) error {
	for {
		m, err := c.src.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case next <- m:
		case <-ctx.Done():
			return nil
		}
	}
}
