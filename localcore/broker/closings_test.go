package broker_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"piway/localcore/broker"
	"piway/shared/testlog"
)

// Why a connection is closed is told at the default level, once for each client.
func TestBroker_closings(t *testing.T) {
	in := func(i int) []byte { return connectPacket{id: fmt.Sprint("c", i), version: 4, keepAlive: 60}.bytes() }
	for i, tt := range []struct {
		bad []byte
		why string
	}{
		{[]byte{0x30, 0xff, 0xff, 0xff, 0x7f}, "a packet of 268435460 bytes"},
		{publishPacket("$aws/things/x", "x", 1, false), "is reserved"},
		{in(2), "second connect packet"},
		{[]byte{0x32, 2, 0, 9}, "malformed packet: topic"},
		{subscribePacket("$aws/#"), "is reserved"},
		{publishPacket("a", strings.Repeat("x", 128<<10+1), 1, false), "payload larger than 128 KB"},
		{nil, "another one has its client id"},
	} {
		said := new(testlog.Log)
		b := open(t, broker.Options{Now: leaps(), Log: slog.New(slog.NewTextHandler(said, nil))})
		for range 3 {
			c := dial(t, b.Addr())
			c.send(in(i))
			c.want(connack, 0, 0)
			if tt.bad == nil {
				connected(t, b.Addr(), fmt.Sprint("c", i))
			} else {
				_, _ = c.conn.Write(tt.bad) // perhaps closed on the way
			}
			c.wantClosed()
		}
		said.Want(t.Context(), t, tt.why) // it is told behind the closing
		if n := said.Count(tt.why); n != 1 {
			t.Errorf("%q is told %d times in\n%s", tt.why, n, said)
		}
	}
}

func TestBroker_firstPacket(t *testing.T) {
	said := new(testlog.Log)
	b := open(t, broker.Options{Log: slog.New(slog.NewTextHandler(said, nil))})
	for range 3 {
		c := dial(t, b.Addr())
		c.send([]byte("GET / HTTP/1.1\r\n\r\n"))
		c.wantClosed()
	}
	if n := said.Count("not MQTT, or no CONNECT"); n != 1 {
		t.Errorf("told %d times in\n%s", n, said)
	}
}
