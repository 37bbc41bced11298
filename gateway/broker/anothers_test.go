package broker_test

import (
	"crypto/tls"
	"testing"

	"piway/gateway/broker"
)

// Whoever has a key is that device, whatever user name, topics and client id he takes from another one: nothing goes on
// in that one's name, and he hears nothing of what it is told.
func TestTLS_anothersName(t *testing.T) {
	r, keys := startTLS(t, func(c *broker.Config) {
		c.Settings = func(device string) []byte { return []byte("of " + device) }
	})
	mine, other := newKey(t), newKey(t)
	keys.set(mine, "guest", false)
	keys.set(other, "kitchen", false)
	kitchen := r.mustLogIn(other, login{user: "kitchen", id: "kitchen"})
	kitchen.send(subscribePacket("pi/kitchen/rejected"))
	kitchen.want(suback, 0, 9, 1)
	guest := r.mustLogIn(mine, login{user: "kitchen", password: "x", id: "kitchen"})
	for _, topic := range []string{"pi/kitchen/rejected", "pi/kitchen/config"} {
		guest.send(subscribePacket(topic))
		if topic == "pi/kitchen/config" {
			guest.want(publish, append(text(topic), "of guest"...)...)
		}
		guest.want(suback, 0, 9, 1)
	}
	kitchen.wantNothing() // its connection is not taken over
	for _, topic := range []string{"pi/kitchen/samples", "raspi/metrics"} {
		guest.send(publishPacket(topic, "mine", 1, 7))
		d := r.next()
		if d.device != "guest" {
			t.Errorf("%s: handled as of %s", topic, d.device)
		}
		d.done(nil)
		guest.want(puback, 0, 7)
	}
	guest.send(publishPacket("pi/kitchen/status", "gone", 1, 8))
	guest.want(puback, 0, 8)
	r.wantNone()
	r.Reject("kitchen", []byte("its own"))
	r.Tell("kitchen")
	kitchen.want(publish, append(text("pi/kitchen/rejected"), "its own"...)...)
	guest.wantNothing()
	r.Reject("guest", []byte("his own"))
	guest.want(publish, append(text("pi/kitchen/rejected"), "his own"...)...)
	kitchen.wantNothing()
	for range 20 { // of his own connections one makes room, and of nobody else's
		r.mustLogIn(mine, login{user: "kitchen", id: "kitchen"})
	}
	kitchen.wantNothing()
	r.Disconnect("guest")
	kitchen.wantNothing()
}

// A certificate is no secret: who shows another one's, a known or a revoked, and has not its key, is not let in.
func TestTLS_anothersCertificate(t *testing.T) {
	r, keys := startTLS(t, nil)
	kitchen, lost := newKey(t), newKey(t)
	keys.set(kitchen, "kitchen", false)
	keys.set(lost, "lost", true)
	for what, shown := range map[string]*tls.Certificate{"known": kitchen, "revoked": lost} {
		for version, change := range map[string]func(*tls.Config){"1.3": nil, "1.2": only12} {
			borrowed := &tls.Certificate{Certificate: shown.Certificate, PrivateKey: newKey(t).PrivateKey}
			c, code, err := r.code(borrowed, login{user: "pi1", password: "hunter-pi1"}, change)
			if err == nil {
				t.Errorf("%s, TLS %s: got code %d", what, version, code)
			}
			c.wantClosed()
		}
	}
	if got := r.Devices(); len(got) > 0 {
		t.Errorf("connected: %v", got)
	}
	r.wantNone()
}
