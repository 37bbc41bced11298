package uplink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"piway/shared/mqttlink"
)

// checkEvery is how often overdue PUBACKs are looked for.
const checkEvery = 500 * time.Millisecond

// Reasons for giving a connection up.
var (
	errNoPuback = errors.New("no PUBACK in time")
	errStalled  = errors.New("messages wait and none was acknowledged")
)

// serve sends on one connection until it ends or a PUBACK is overdue.
func (u *Uplink) serve(ctx context.Context, link *mqttlink.Link) error { //nolint:cyclop // one select, a line or two a case
	u.topic = u.chooseTopic()
	u.pace.reset(u.cfg.PublishesPerSecond)
	u.served, u.took = time.Now(), false
	u.progress = u.served
	if u.suspicious() {
		if err := u.examine(ctx, link); err != nil {
			return err
		}
	}
	u.unsent = slices.DeleteFunc(slices.Clone(u.flight[u.settled:]), (*message).acked)
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		u.beats(0)
		if err := u.settle(ctx); err != nil {
			return err
		}
		again, next, pause := u.turn(time.Now())
		select {
		case <-again:
			m := u.unsent[0]
			u.unsent = u.unsent[1:]
			if err := u.send(ctx, link, m); err != nil {
				return err
			}
		case payload := <-next:
			m := &message{payload: payload}
			if u.settled == len(u.flight) {
				u.progress = time.Now() // nothing was waiting
			}
			u.flight = append(u.flight, m)
			if err := u.send(ctx, link, m); err != nil {
				return err
			}
		case <-pause:
		case <-u.oldest():
		case err := <-u.confirmed:
			u.durable(err)
		case <-u.again:
			u.again, u.due = nil, true
		case <-tick.C:
			u.noteLasts(time.Now())
			if u.overdue(time.Now()) {
				return fmt.Errorf("%w: %s", errNoPuback, u.cfg.AckTimeout)
			}
			if u.stalled(time.Now()) {
				return fmt.Errorf("%w: %s", errStalled, u.cfg.StallAfter)
			}
		case <-link.Lost():
			return link.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// turn says what may be sent: a message again, or the next one; or for how long nothing. Of what it returns, at most
// one is not nil.
func (u *Uplink) turn(at time.Time) (again <-chan struct{}, next <-chan []byte, pause <-chan time.Time) {
	wait, ok := u.pace.wait(at)
	switch {
	case !ok:
		return nil, nil, nil // a PUBACK has to come first
	case wait > 0:
		if len(u.unsent) > 0 || len(u.flight) < u.cfg.Window {
			return nil, nil, time.After(wait)
		}
		return nil, nil, nil
	case len(u.unsent) > 0:
		return u.ready, nil, nil
	case len(u.flight) < u.cfg.Window:
		return nil, u.next, nil
	default:
		return nil, nil, nil
	}
}

// send publishes within the quotas.
func (u *Uplink) send(ctx context.Context, link *mqttlink.Link, m *message) error {
	if err := u.publish.Wait(ctx); err != nil {
		return err
	}
	if err := u.bytes.WaitN(ctx, min(len(m.payload)+len(u.topic), MaxPayload)); err != nil {
		return err
	}
	m.delivery, m.conn = link.Publish(u.topic, m.payload), u.conns
	m.deadline = time.Now().Add(u.cfg.AckTimeout)
	u.pace.send()
	u.published.Add(1)
	return nil
}

// oldest is closed when the oldest message without PUBACK has an outcome; nil if there is none.
func (u *Uplink) oldest() <-chan struct{} {
	if u.settled == len(u.flight) || u.flight[u.settled].conn != u.conns {
		return nil // nothing is under way, or it is yet to be sent again
	}
	return u.flight[u.settled].delivery.Done()
}

// settle counts the PUBACKs from the oldest on, and tells the source.
func (u *Uplink) settle(ctx context.Context) error {
	for ; u.settled < len(u.flight); u.settled++ {
		m := u.flight[u.settled]
		if !m.acked() {
			if err := u.failed(m); err != nil {
				return err
			}
			break
		}
		if m.conn == u.conns {
			u.pace.ack(time.Now())
		}
		u.puback()
	}
	u.tell(ctx)
	return nil
}

// tell has the source make durable what has its PUBACK, when some have gathered: fewer commits do for them. When most of
// the window is used it waits for nothing, since the rest is all that may be sent meanwhile.
func (u *Uplink) tell(ctx context.Context) {
	pressed := 5*len(u.flight) > 4*u.cfg.Window
	switch {
	case u.settled == 0:
	case u.confirming > 0:
		if pressed {
			u.src.Hurry()
		}
	case u.due, u.keeping == "" && (pressed || u.cfg.SettleAfter == 0):
		u.startConfirm(ctx)
	case u.again == nil:
		u.again = time.After(u.cfg.SettleAfter)
	}
}

func (u *Uplink) startConfirm(ctx context.Context) {
	u.again, u.due = nil, false
	u.confirming = u.settled
	go u.confirm(ctx, u.confirming) // its end is awaited in serve or finish, through confirmed
}

// tellNow is tell that waits for nothing more, for when the connection is over.
func (u *Uplink) tellNow(ctx context.Context) {
	if u.confirming == 0 && u.settled > 0 {
		u.startConfirm(ctx)
	}
	if u.confirming > 0 {
		u.src.Hurry()
	}
}

// puback notes that AWS takes what is published.
func (u *Uplink) puback() {
	u.retry.Reset()
	u.deniedTold, u.took = false, true
	u.progress = time.Now()
}

func (u *Uplink) confirm(ctx context.Context, n int) {
	// What AWS has acknowledged is worth a last commit while the gateway stops.
	u.confirmed <- u.src.Acked(context.WithoutCancel(ctx), n)
}

// durable moves the start of the window behind what the source has made durable.
func (u *Uplink) durable(err error) {
	n := u.confirming
	u.confirming = 0
	if err != nil {
		if what := err.Error(); what != u.keeping {
			u.keeping = what
			u.cfg.Log.Error("keeping the position failed, trying again until it works", "err", err)
		}
		u.again = time.After(time.Second)
		return
	}
	u.keeping = ""
	u.flight = slices.Delete(u.flight, 0, n)
	u.settled -= n
	u.acked.Add(int64(n))
}

// failed returns why a message was lost on this connection; nil if it was not, or was not sent on it.
func (u *Uplink) failed(m *message) error {
	if m.conn != u.conns {
		return nil
	}
	select {
	case <-m.delivery.Done():
		return m.delivery.Err()
	default:
		return nil
	}
}

// stalled looks at progress, whatever the connection says of itself.
func (u *Uplink) stalled(now time.Time) bool {
	return u.cfg.StallAfter > 0 && u.settled < len(u.flight) && now.Sub(u.progress) > u.cfg.StallAfter
}

func (u *Uplink) overdue(now time.Time) bool {
	if u.settled == len(u.flight) {
		return false
	}
	m := u.flight[u.settled]
	return m.conn == u.conns && now.After(m.deadline)
}
