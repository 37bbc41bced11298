package world

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"piway/shared/mqttlink"
)

// A Client publishes what a device says. One goroutine uses it.
type Client struct {
	Addr, Name string // HOST:PORT of the broker; the device
	Password   string // "" where everybody may come, and for a device with a key
	// TLS is spoken if it is set, with the device's key if that has one.
	TLS *tls.Config

	link *mqttlink.Link
}

// A Message is a publish.
type Message struct {
	Topic   string
	Payload []byte
	Acked   func() // called at its PUBACK
}

const (
	retry    = 100 * time.Millisecond
	patience = 5 * time.Second // for a connection, and for a PUBACK
)

// Deliver publishes all messages before it waits for the first PUBACK, and those without one again until each has its
// own. An error says that the login is refused, or that ctx ended before.
func (c *Client) Deliver(ctx context.Context, messages []Message) error {
	for {
		left, err := c.try(ctx, messages)
		if err == nil {
			return nil
		}
		c.Close()
		if ctx.Err() != nil || errors.Is(err, mqttlink.ErrLogin) {
			return fmt.Errorf("%s: %d messages were never acknowledged: %w", c.Name, len(left), err)
		}
		messages = left
		Wait(ctx, retry)
	}
}

// Close ends the connection, if there is one.
func (c *Client) Close() {
	if c.link != nil {
		c.link.Close()
		c.link = nil
	}
}

// try connects if need be, and returns the messages that are still without a PUBACK; there are none without an error.
func (c *Client) try(ctx context.Context, messages []Message) (left []Message, err error) {
	if c.link == nil {
		if c.link, err = c.connect(ctx); err != nil {
			return messages, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	sent := make([]*mqttlink.Delivery, len(messages))
	for i, m := range messages {
		sent[i] = c.link.Publish(m.Topic, m.Payload)
	}
	for i, d := range sent {
		select {
		case <-d.Done():
		case <-ctx.Done():
			return append(left, messages[i:]...), ctx.Err()
		}
		if d.Err() != nil {
			left, err = append(left, messages[i]), d.Err()
			continue
		}
		messages[i].Acked()
	}
	return left, err
}

func (c *Client) connect(ctx context.Context) (*mqttlink.Link, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	opt := mqttlink.Options{Broker: "tcp://" + c.Addr, ClientID: c.Name, KeepAlive: 10 * time.Second}
	if c.Password != "" {
		opt.Username, opt.Password = c.Name, c.Password
	}
	if c.TLS != nil {
		opt.Broker, opt.TLS = "tls://"+c.Addr, c.TLS.Clone()
	}
	return mqttlink.Connect(ctx, opt)
}
