package broker_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"piway/gateway/broker"
)

// What of a device is in flight is bounded by its bytes, on all its connections together. Others go on.
func TestBroker_publish_bytesInFlight(t *testing.T) {
	r := start(t, func(c *broker.Config) { c.MaxPacket = 300 << 10 })
	large := strings.Repeat("x", 250<<10) // four are below 1 MiB
	for i := range 6 {
		c := r.connectAs(login{user: "pi1", password: "hunter-pi1", id: fmt.Sprint(i)})
		go func() { _, _ = c.conn.Write(publishPacket("pi/pi1/samples", large, 1, 1)) }() // the last wait
	}
	var ds []delivery
	for range 4 {
		ds = append(ds, r.next())
	}
	other := r.connect("pi2")
	for id := range uint16(20) { // time enough for a reader that does not wait
		other.send(publishPacket("pi/pi2/samples", "x", 1, 1+id))
		d := r.next()
		if d.device != "pi2" {
			t.Fatalf("handled one more of %s", d.device)
		}
		d.done(nil)
		other.want(puback, 0, byte(1+id))
	}
	ds[0].done(nil) // acknowledged, or refused: both make room
	fifth := r.next()
	ds[1].done(errors.New("disk full"))
	sixth := r.next()
	for _, d := range append(ds[2:], fifth, sixth) {
		if d.device != "pi1" || len(d.payload) != len(large) {
			t.Errorf("handled %d bytes of %s", len(d.payload), d.device)
		}
		d.done(nil)
	}
	other.wantNothing()
	r.wantNone()
}

// A broker that closes waits for nobody who waits for room.
func TestBroker_Run_endsWhileReadersWait(t *testing.T) {
	r := start(t, func(c *broker.Config) { c.MaxPacket = 1<<20 + 100 })
	c := r.connect("pi1")
	one := publishPacket("pi/pi1/samples", strings.Repeat("x", 1<<20), 1, 1)
	go func() { _, _ = c.conn.Write(append(one, one...)) }() // is cut off
	d := r.next()                                            // larger than the bound with what it takes besides, and alone
	r.stop()
	d.done(nil)
	r.wantNone()
}

// What a panic cuts off holds no room.
func TestBroker_publish_panicGivesItsRoomBack(t *testing.T) {
	large := strings.Repeat("x", 400<<10) // two are below 1 MiB
	r := start(t, func(c *broker.Config) {
		c.MaxPacket = 500 << 10
		handle := c.Handle
		c.Handle = func(device string, payload []byte, done func(error)) {
			if len(payload) == len(large) {
				panic("a mistake")
			}
			handle(device, payload, done)
		}
	})
	for i := range 6 {
		c := r.connect("pi1")
		_, _ = c.conn.Write(publishPacket("pi/pi1/samples", large, byte(1+i%2), 1)) // perhaps closed on the way
		c.wantClosed()
	}
	c := r.connect("pi1")
	c.send(publishPacket("pi/pi1/samples", "fits", 1, 7))
	r.next().done(nil)
	c.want(puback, 0, 7)
}
