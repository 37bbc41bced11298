package uplink

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"piway/shared/mqttlink"
)

// IoT Core closes the connection after a publish that it denies, and says nothing (developer guide, connection and
// disconnection events: AUTH_ERROR). A client that only sends again then loops for ever. So connections that end on the
// same oldest message are counted, and after some of them the next connection is used to find out what is the matter:
// another message goes first, then the suspect. If only the suspect ends the connection it is parked.

// maxDrops is how many connections may end on the same message before it is examined.
const maxDrops = 3

// Outcomes of an examination that end the connection.
var (
	errParked = errors.New("ended by one message, which is set aside now")
	errDenied = errors.New("ended by whatever is published")
)

// noteEnd counts the connections that were closed on the same message.
func (u *Uplink) noteEnd(err error) {
	if u.settled == len(u.flight) || errors.Is(err, errNoPuback) || errors.Is(err, errStalled) {
		u.suspect, u.drops = nil, 0
		return
	}
	head := u.flight[u.settled]
	switch {
	case head.conn != u.conns: // it was not sent on this one
	case head != u.suspect:
		u.suspect, u.drops = head, 1
	default:
		u.drops++
	}
}

func (u *Uplink) suspicious() bool {
	return u.drops >= maxDrops && u.settled < len(u.flight) && u.flight[u.settled] == u.suspect
}

// examine returns nil when the connection is good and the suspect is acknowledged after all.
func (u *Uplink) examine(ctx context.Context, link *mqttlink.Link) error {
	if err := u.flush(ctx); err != nil {
		return err
	}
	head := u.flight[0]
	passes, err := u.others(ctx, link)
	if err != nil {
		return err
	}
	err = u.try(ctx, link, head)
	switch {
	case err == nil:
		u.suspect, u.drops = nil, 0
		return nil
	case errors.Is(err, errNoPuback) || ctx.Err() != nil:
		return err
	case !passes:
		return u.denied(err)
	}
	if err := u.src.Park(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("parking a message: %w", err)
	}
	u.flight = u.flight[1:]
	u.suspect, u.drops = nil, 0
	u.cfg.Log.Error("AWS ends the connection at one message and takes others: the message is parked", "topic", u.topic,
		"bytes", len(head.payload), "try", "piway-gateway ledger shows whose it is; it is tried again once a day and at each start")
	return errParked
}

// flush makes durable what is acknowledged, so that the suspect is the oldest message that the source knows of.
func (u *Uplink) flush(ctx context.Context) error {
	for u.settled > 0 || u.confirming > 0 {
		if u.confirming == 0 {
			u.confirming = u.settled
			go u.confirm(ctx, u.confirming) // its end is awaited below
		}
		err := <-u.confirmed
		u.durable(err)
		if err != nil {
			return fmt.Errorf("keeping the position: %w", err)
		}
	}
	return nil
}

// others reports whether another message than the suspect is acknowledged. Where there is none it waits for one as long
// as for a PUBACK, then returns false.
func (u *Uplink) others(ctx context.Context, link *mqttlink.Link) (passes bool, err error) {
	other, passes := u.another()
	if other == nil && !passes {
		if other, err = u.newcomer(ctx, link); err != nil {
			return false, err
		}
	}
	if other == nil {
		return passes, nil
	}
	if err := u.try(ctx, link, other); err != nil {
		return false, u.denied(err)
	}
	return true, nil
}

// another returns the first message behind the suspect that is not acknowledged, or tells that all are.
func (u *Uplink) another() (m *message, all bool) {
	for _, m := range u.flight[1:] {
		if !m.acked() {
			return m, false
		}
	}
	return nil, len(u.flight) > 1
}

// newcomer returns a new message, nil if none comes in time.
func (u *Uplink) newcomer(ctx context.Context, link *mqttlink.Link) (*message, error) {
	if len(u.flight) >= u.cfg.Window {
		return nil, nil
	}
	u.beats(u.cfg.AckTimeout)
	t := time.NewTimer(u.cfg.AckTimeout)
	defer t.Stop()
	select {
	case payload := <-u.next:
		m := &message{payload: payload}
		u.flight = append(u.flight, m)
		return m, nil
	case <-t.C:
		return nil, nil
	case <-link.Lost():
		return nil, link.Err()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// try sends one message and waits for its PUBACK.
func (u *Uplink) try(ctx context.Context, link *mqttlink.Link, m *message) error {
	if err := u.send(ctx, link, m); err != nil {
		return err
	}
	u.beats(u.cfg.AckTimeout)
	t := time.NewTimer(u.cfg.AckTimeout)
	defer t.Stop()
	select {
	case <-m.delivery.Done():
		if err := m.delivery.Err(); err != nil {
			return err
		}
		u.puback()
		return nil
	case <-t.C:
		return fmt.Errorf("%w: %s", errNoPuback, u.cfg.AckTimeout)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// denied tells, once until something is acknowledged again, that it is not one message.
func (u *Uplink) denied(err error) error {
	if errors.Is(err, errNoPuback) || errors.Is(err, context.Canceled) {
		return err
	}
	if !u.changesTopic() && !u.deniedTold {
		u.deniedTold = true
		u.cfg.Log.Error("AWS ends the connection at every publish; everything is kept and tried again",
			"topic", u.topic, "client_id", u.cfg.ClientID, "try", "piway-gateway aws setup again, which renews the policy, or "+
				"allow iot:Publish on "+
				topicARN(u.cfg.Broker, u.topic)+" in the policy of the certificate (piway-gateway aws print policy)")
	}
	return fmt.Errorf("%w: %w", errDenied, err)
}

// An endpoint is PREFIX-ats.iot.REGION.amazonaws.com (AWS IoT Core endpoints).
var endpointRegion = regexp.MustCompile(`\.iot\.([a-z0-9-]+)\.amazonaws\.com`)

// topicARN is what a policy calls a topic; the account is not known here.
func topicARN(broker, topic string) string {
	region := "REGION"
	if m := endpointRegion.FindStringSubmatch(broker); m != nil {
		region = m[1]
	}
	return "arn:aws:iot:" + region + ":ACCOUNT:topic/" + topic
}
