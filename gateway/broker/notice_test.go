package broker_test

import (
	"fmt"
	"strings"
	"testing"

	"piway/gateway/broker"
)

func withSettings(c *broker.Config) { c.Settings = func(string) []byte { return []byte(`{"a":1}`) } }

// The settings come with each grant, before it, and to nobody else.
func TestBroker_settings(t *testing.T) {
	r := start(t, withSettings)
	c, other := r.connect("pi1"), r.connect("pi2")
	other.send(subscribePacket("pi/pi2/rejected"))
	other.want(suback, 0, 9, 1)
	for range 2 {
		c.send(subscribePacket("pi/pi1/config"))
		c.want(publish, append(text("pi/pi1/config"), `{"a":1}`...)...)
		c.want(suback, 0, 9, 1)
	}
	for _, filter := range []string{
		"pi/pi2/config", "pi/+/config", "pi/pi1/config/#", "pi/pi1/configs",
		"$share/g/pi/pi1/config",
	} {
		c.send(subscribePacket(filter))
		c.want(suback, 0, 9, 0x80)
	}
	other.wantNothing()
	c.send(publishPacket("pi/pi1/config", "mine", 1, 7)) // nobody writes it
	c.want(puback, 0, 7)
	other.wantNothing()
	r.wantNone()
}

// Where there is nothing to tell the topic is denied, as earlier versions did.
func TestBroker_settings_none(t *testing.T) {
	r := start(t, nil)
	c := r.connect("pi1")
	c.send(subscribePacket("pi/pi1/config"))
	c.want(suback, 0, 9, 0x80)
}

// A refusal is on the wire before the PUBACK of what it refuses, so that the device has not forgotten it yet.
func TestBroker_Reject_beforeThePuback(t *testing.T) {
	r := start(t, nil)
	c := r.connect("pi1")
	c.send(subscribePacket("pi/pi1/rejected"))
	c.want(suback, 0, 9, 1)
	for i := range byte(200) {
		c.send(publishPacket("pi/pi1/samples", "x", 1, uint16(i)+1))
		d := r.next()
		why := fmt.Sprintf("%d %s", i, strings.Repeat("y", 300))
		r.Reject("pi1", []byte(why))
		d.done(nil)
		c.want(publish, append(text("pi/pi1/rejected"), why...)...)
		c.want(puback, 0, i+1)
	}
}

// Who listened and left is told nothing, and who does not read costs no memory and stays.
func TestBroker_Reject_bounded(t *testing.T) {
	r := start(t, nil)
	c := r.connect("pi1")
	c.send(subscribePacket("pi/pi1/rejected"))
	c.want(suback, 0, 9, 1)
	for range 1000 {
		r.Reject("pi1", make([]byte, 100<<10)) // 100 MB
	}
	told := func() (n int) { // before a PUBACK
		c.send(publishPacket("pi/pi1/samples", "x", 1, 7))
		r.next().done(nil)
		for {
			kind, _, err := c.read()
			if err != nil {
				t.Fatal(err)
			}
			if kind == puback {
				return n
			}
			n++
		}
	}
	if n := told(); n == 0 || n == 1000 {
		t.Errorf("told %d of 1000 refusals to a client that did not read", n)
	}
	const unsubscribe = 0xA2
	c.send(packet(unsubscribe, append([]byte{0, 8}, text("pi/pi1/rejected")...)))
	if n := told(); n != 1 {
		t.Errorf("got %d packets, want the UNSUBACK", n)
	}
	r.Reject("pi1", []byte("why"))
	c.wantNothing()
}
