package broker_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"piway/localcore/broker"
)

// A clock is moved by the test.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Now().UnixNano())
	return c
}

func (c *clock) now() time.Time       { return time.Unix(0, c.at.Load()) }
func (c *clock) pass(d time.Duration) { c.at.Add(int64(d)) }

// acked publishes n messages at once and returns how many are acknowledged.
func (c *client) acked(n int) int {
	c.t.Helper()
	for range n {
		c.send(publishPacket("a", "x", 1, false))
	}
	c.send(pingPacket())
	for got := 0; ; got++ {
		kind, _, err := c.read()
		if err != nil {
			c.t.Fatal(err)
		}
		if kind == pingresp {
			return got
		}
	}
}

// Any second counts, not that of a clock: a burst across its boundary is found out. The excess is discarded in silence.
func TestBroker_publishesPerSecond(t *testing.T) {
	clk := newClock()
	var handed atomic.Int64
	b := open(t, broker.Options{Now: clk.now, OnPublish: func(broker.Publish) { handed.Add(1) }})
	c := connected(t, b.Addr(), "gateway")
	if got := c.acked(60); got != 60 {
		t.Errorf("got %d of the first 60 acknowledged", got)
	}
	clk.pass(900 * time.Millisecond)
	if got := c.acked(60); got != 40 {
		t.Errorf("0.9 s later: got %d acknowledged, want 40", got)
	}
	clk.pass(100 * time.Millisecond)
	if got := c.acked(100); got != 60 {
		t.Errorf("1 s after the first: got %d acknowledged, want 60", got)
	}
	clk.pass(time.Second)
	if got := c.acked(101); got != 100 {
		t.Errorf("a second later: got %d acknowledged, want 100", got)
	}
	want := int64(60 + 40 + 60 + 100)
	if n := b.Counts(); handed.Load() != want || n.PublishesIn != want || n.Throttled != 20+40+1 ||
		n.PeakPublishes != 160 {
		t.Errorf("handed on %d, counts %+v, want %d handed on, 61 throttled, a peak of 160", handed.Load(), n, want)
	}
	other := connected(t, b.Addr(), "other")
	if got := other.acked(1); got != 1 {
		t.Error("another connection is throttled too")
	}
}

// What goes out counts with what comes in.
func TestBroker_publishesPerSecond_bothWays(t *testing.T) {
	clk := newClock()
	b := open(t, broker.Options{Now: clk.now})
	sub := connected(t, b.Addr(), "sub")
	sub.send(subscribePacket("b"))
	sub.want(suback, 0, 9, 1)
	for range 70 {
		if err := b.Publish("b", 0, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for range 70 {
		if kind, _, err := sub.read(); err != nil || kind != publish {
			t.Fatalf("got packet type %d, %v, want a message", kind, err)
		}
	}
	if got := sub.acked(50); got != 30 {
		t.Errorf("got %d of 50 acknowledged after 70 received, want 30", got)
	}
	if err := b.Publish("b", 0, []byte("x")); err != nil {
		t.Fatal(err)
	}
	sub.wantNothing()
	if n := b.Counts(); n.PublishesOut != 70 || n.OutThrottled != 1 {
		t.Errorf("counts %+v, want 70 out and 1 out throttled", n)
	}
}

// A fault's lower rate discards in the same way.
func TestBroker_throttleFault(t *testing.T) {
	clk := newClock()
	b := open(t, broker.Options{Now: clk.now})
	c := connected(t, b.Addr(), "gateway")
	b.SetFaults(broker.Faults{PublishesPerSecond: 3})
	if got := c.acked(10); got != 3 {
		t.Errorf("got %d acknowledged, want 3", got)
	}
	b.SetFaults(broker.Faults{})
	if got := c.acked(10); got != 10 {
		t.Errorf("without the fault: got %d acknowledged, want 10", got)
	}
}

func TestBroker_throughput(t *testing.T) {
	b := open(t, broker.Options{Now: leaps()})
	c := connected(t, b.Addr(), "gateway")
	for range 3 {
		c.send(publishPacket("a", strings.Repeat("x", 60_000), 1, false))
	}
	for range 3 {
		c.want(puback, 0, 7)
	}
	if n := b.Counts(); n.Delayed == 0 || n.PublishesIn != 3 {
		t.Errorf("counts %+v, want all handed on and some delayed", n)
	}
}

// Without PUBACKs the 101st publish is not accepted, but the connection is read on.
func TestBroker_unacknowledged(t *testing.T) {
	var handed atomic.Int64
	b := open(t, broker.Options{Now: leaps(), OnPublish: func(broker.Publish) { handed.Add(1) }})
	b.SetFaults(broker.Faults{WithholdPubacks: true})
	c := connected(t, b.Addr(), "gateway")
	if got := c.acked(105); got != 0 {
		t.Errorf("got %d acknowledged, want none", got)
	}
	b.SetFaults(broker.Faults{})
	if got := c.acked(1); got != 0 {
		t.Error("a publish is accepted while 100 wait for their PUBACK")
	}
	if n := b.Counts(); handed.Load() != 100 || n.Unacked != 6 || n.Withheld != 100 || n.PeakUnacked != 100 {
		t.Errorf("handed on %d, counts %+v, want 100 handed on and withheld, 6 not accepted", handed.Load(), n)
	}
	again := connected(t, b.Addr(), "gateway")
	if got := again.acked(1); got != 1 {
		t.Error("a new connection begins with the old one's messages")
	}
}

// A PUBACK that is delayed holds up nobody, not even its own client.
func TestBroker_delayedPubacks(t *testing.T) {
	handed := make(chan broker.Publish, 10)
	b := open(t, broker.Options{Now: leaps(), OnPublish: func(p broker.Publish) { handed <- p }})
	sub := connected(t, b.Addr(), "sub")
	sub.send(subscribePacket("a"))
	sub.want(suback, 0, 9, 1)
	c := connected(t, b.Addr(), "gateway")
	b.SetFaults(broker.Faults{PubackDelay: time.Hour})
	if got := c.acked(2); got != 0 || len(handed) != 2 {
		t.Errorf("got %d acknowledged, %d handed on, want 0 and 2", got, len(handed))
	}
	sub.wantMessage("a", "x") // subscribers need not wait
	b.SetFaults(broker.Faults{PubackDelay: time.Millisecond})
	c.send(publishPacket("a", "x", 1, false))
	c.want(puback, 0, 7)
}

func TestBroker_connect_refuses(t *testing.T) {
	b := open(t, broker.Options{Now: leaps()})
	for name, id := range map[string]string{"empty": "", "129 bytes": strings.Repeat("x", 129), "reserved": "$GEN/1"} {
		c := dial(t, b.Addr())
		c.send(connectPacket{id: id, version: 4, keepAlive: 60}.bytes())
		kind, body, err := c.read()
		if err != nil || kind != connack || body[1] != 2 {
			t.Errorf("%s: got packet type %d body %v err %v, want CONNACK with code 2", name, kind, body, err)
		}
		c.wantClosed()
	}
	connected(t, b.Addr(), strings.Repeat("x", 128))
	b.SetFaults(broker.Faults{RefuseConnects: true})
	c := dial(t, b.Addr())
	c.send(connectPacket{id: "gateway", version: 4, keepAlive: 60}.bytes())
	c.want(connack, 0, 3)
	c.wantClosed()
	if n := b.Counts(); n.Refused != 4 || n.Connects != 1 {
		t.Errorf("counts %+v, want 4 refused", n)
	}
}

func TestBroker_connect_oncePerSecond(t *testing.T) {
	clk := newClock()
	b := open(t, broker.Options{Now: clk.now})
	first := connected(t, b.Addr(), "gateway")
	soon := dial(t, b.Addr())
	soon.send(connectPacket{id: "gateway", version: 4, keepAlive: 60}.bytes())
	soon.wantClosed()
	first.wantNothing() // it was not taken over
	connected(t, b.Addr(), "another")
	clk.pass(time.Second)
	connected(t, b.Addr(), "gateway")
	if n := b.Counts(); n.TooSoon != 1 || n.Takeovers != 1 || n.Connects != 3 {
		t.Errorf("counts %+v, want 1 too soon, 1 takeover, 3 connects", n)
	}
}

func TestBroker_topics(t *testing.T) {
	b := open(t, broker.Options{Now: leaps()})
	long := strings.Repeat("x", 256)
	for i, topic := range []string{"a", long, "1/2/3/4/5/6/7/8", "$aws/rules/r/" + long, "$aws/rules/r/1/2/3/4/5/6/7/8"} {
		c := connected(t, b.Addr(), fmt.Sprint("good", i))
		c.send(publishPacket(topic, "x", 1, false))
		c.want(puback, 0, 7)
	}
	for i, topic := range []string{
		long + "x", "1/2/3/4/5/6/7/8/9", "$aws/rules/r/1/2/3/4/5/6/7/8/9", "$aws/rules/r/" + long + "x", "$aws/things/x",
	} {
		c := connected(t, b.Addr(), fmt.Sprint("bad", i))
		c.send(publishPacket(topic, "x", 1, false))
		c.wantClosed()
	}
	// What a mosquitto bridge tells of itself, and what mochi would drop without an answer or end the connection for.
	c := connected(t, b.Addr(), "nowhere")
	for _, topic := range []string{"$SYS/broker/connection/x/state", "$sys/x", "a/+", "a/#"} {
		c.send(publishPacket(topic, "x", 1, true))
		c.want(puback, 0, 7)
		c.send(publishPacket(topic, "x", 0, false))
		c.send(publishPacket(topic, "x", 2, false))
		c.wantNothing()
	}
	if n := b.Counts(); n.PublishesIn != 5 || n.BadTopics != 5+12 || n.QoS2 != 4 {
		t.Errorf("counts %+v, want 5 handed on, 17 bad topics, 4 of QoS 2", n)
	}
}

func TestBroker_subscriptions(t *testing.T) {
	b := open(t, broker.Options{Now: leaps()})
	filters := func(from, n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprint("f", from+i))
		}
		return all
	}
	c := connected(t, b.Addr(), "many")
	for i := range 6 {
		c.send(subscribeAll(1, filters(8*i, 8)...))
		c.want(suback, 0, 9, 1, 1, 1, 1, 1, 1, 1, 1)
	}
	c.send(subscribeAll(1, filters(48, 2)...))
	c.want(suback, 0, 9, 1, 1)
	c.send(subscribeAll(1, filters(0, 8)...)) // again
	c.want(suback, 0, 9, 1, 1, 1, 1, 1, 1, 1, 1)
	c.send(subscribeAll(1, "one more"))
	c.wantClosed()

	for name, p := range map[string][]byte{
		"nine filters": subscribeAll(1, filters(0, 9)...),
		"QoS 2":        subscribeAll(2, "a"),
		"reserved":     subscribeAll(1, "$aws/rules/#"),
		"9 levels":     subscribeAll(1, "1/2/3/4/5/6/7/8/9"),
	} {
		c := connected(t, b.Addr(), name)
		c.send(p)
		c.wantClosed()
	}
}

// a/# does not select a, unlike in plain MQTT.
func TestBroker_subscription_parent(t *testing.T) {
	b := open(t, broker.Options{Now: leaps()})
	c := connected(t, b.Addr(), "sub")
	c.send(subscribePacket("a/#"))
	c.want(suback, 0, 9, 1)
	for _, topic := range []string{"a", "a/b"} {
		if err := b.Publish(topic, 1, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	c.wantMessage("a/b", "x")
}

func subscribeAll(qos byte, filters ...string) []byte {
	body := []byte{0, 9}
	for _, f := range filters {
		body = append(append(body, text(f)...), qos)
	}
	return packet(0x82, body)
}

// Off the network nothing is answered and nothing closed; at its end the connections of before are gone.
func TestBroker_offline(t *testing.T) {
	var handed atomic.Int64
	b := open(t, broker.Options{Now: leaps(), OnPublish: func(broker.Publish) { handed.Add(1) }})
	before := connected(t, b.Addr(), "before")
	b.SetFaults(broker.Faults{Offline: true})
	before.send(publishPacket("a", "x", 1, false))
	meanwhile := dial(t, b.Addr())
	meanwhile.send(connectPacket{id: "meanwhile", version: 4, keepAlive: 60}.bytes())
	if handed.Load() != 0 || b.Counts().Connects != 1 {
		t.Error("something got through")
	}
	b.SetFaults(broker.Faults{})
	before.wantClosed()
	after := connected(t, b.Addr(), "after")
	if got := after.acked(1); got != 1 || handed.Load() != 1 {
		t.Errorf("after it: %d acknowledged, %d handed on in all, want 1 and 1", got, handed.Load())
	}
}

func TestBroker_Drop(t *testing.T) {
	b := open(t, broker.Options{Now: leaps()})
	one, other := connected(t, b.Addr(), "one"), connected(t, b.Addr(), "other")
	b.Drop()
	one.wantClosed()
	other.wantClosed()
	connected(t, b.Addr(), "one").wantNothing()
}

func TestBroker_meters(t *testing.T) {
	var in, closed atomic.Int64
	gone, metered := make(chan struct{}, 1), make(chan int, 10)
	b := open(t, broker.Options{
		Now:          leaps(),
		OnConnect:    func(bytes int) { in.Add(int64(bytes)) },
		OnDisconnect: func() { closed.Add(1); gone <- struct{}{} },
		OnMetered:    func(bytes int) { metered <- bytes },
	})
	c := connected(t, b.Addr(), "gateway")
	if want := int64(len(connectPacket{id: "gateway", version: 4, keepAlive: 60}.bytes())); in.Load() != want {
		t.Errorf("got a CONNECT of %d bytes, want %d", in.Load(), want)
	}
	c.send(subscribePacket("ab"))
	wantMetered := func(what string, want int) {
		t.Helper()
		select {
		case got := <-metered:
			if got != want {
				t.Errorf("got %s of %d bytes metered, want %d", what, got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s is not metered", what)
		}
	}
	c.want(suback, 0, 9, 1)
	wantMetered("a SUBSCRIBE by its filter", 2)
	if err := b.Publish("ab", 1, []byte("xyz")); err != nil {
		t.Fatal(err)
	}
	c.wantMessage("ab", "xyz")
	wantMetered("a delivery", 5)
	c.send(packet(4<<4, []byte{0, 1}))
	wantMetered("a PUBACK, one message,", 0)
	c.send(publishPacket("retained", "x", 0, true))
	wantMetered("what is to be retained", 9)
	c.wantNothing() // a ping costs nothing
	if len(metered) != 0 {
		t.Errorf("got %d bytes metered beside", <-metered)
	}
	if all := b.Clients(); len(all) != 1 || all[0].ClientID != "gateway" || all[0].Remote == "" {
		t.Errorf("got clients %+v", all)
	}
	if err := c.conn.Close(); err != nil {
		t.Fatal(err)
	}
	<-gone
	if closed.Load() != 1 || len(b.Clients()) != 0 {
		t.Error("the connection is still booked")
	}
}
