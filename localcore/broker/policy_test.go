package broker_test

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"piway/localcore/broker"
	"piway/shared/testlog"
)

// A policy allows what is listed, as ACTION RESOURCE, and notes what it was asked.
type policy struct {
	allow []string

	mu    sync.Mutex // guards asked
	asked []broker.Request
}

func (p *policy) authorize(r broker.Request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r)
	if !slices.Contains(p.allow, r.Action+" "+r.Resource) {
		return errors.New("it is not in the test's list")
	}
	return nil
}

// What the policy denies ends the connection, and is not handed on.
func TestBroker_policy(t *testing.T) {
	p := &policy{allow: []string{
		"iot:Connect client/gateway", "iot:Connect client/sub", "iot:Publish topic/good", "iot:Publish topic/other",
		"iot:Subscribe topicfilter/good", "iot:Subscribe topicfilter/#", "iot:Receive topic/good",
	}}
	var handed []string
	b := open(t, broker.Options{
		Now: leaps(), Authorize: p.authorize,
		OnPublish: func(m broker.Publish) { handed = append(handed, m.Topic) },
	})

	stranger := dial(t, b.Addr())
	stranger.send(connectPacket{id: "stranger", version: 4, keepAlive: 60}.bytes())
	stranger.wantClosed()

	for name, bad := range map[string][]byte{
		"publish":       publishPacket("bad", "x", 1, false),
		"publish QoS 0": publishPacket("bad", "x", 0, false),
		"retain":        publishPacket("good", "x", 1, true),
		"subscribe":     subscribePacket("bad"),
	} {
		c := connected(t, b.Addr(), "gateway")
		c.send(bad)
		kind, _, err := c.read()
		if err == nil {
			t.Errorf("%s: got packet type %d, want the connection closed", name, kind)
		}
	}
	sub := connected(t, b.Addr(), "sub")
	sub.send(subscribePacket("#"))
	sub.want(suback, 0, 9, 1)
	c := connected(t, b.Addr(), "gateway")
	c.send(publishPacket("other", "x", 1, false)) // which sub may not receive
	c.want(puback, 0, 7)
	c.send(publishPacket("good", "y", 1, false))
	c.want(puback, 0, 7)
	sub.wantMessage("good", "y")
	if want := []string{"other", "good"}; !slices.Equal(handed, want) {
		t.Errorf("handed on %v, want %v", handed, want)
	}
	if n := b.Counts(); n.Denied != 6 {
		t.Errorf("got %d denied, want 6: connect, two publishes, retain, subscribe, receive", n.Denied)
	}
}

// Why something is denied is told once to a client and reason, however often it asks.
func TestBroker_policy_told(t *testing.T) {
	p := &policy{allow: []string{
		"iot:Connect client/sub", "iot:Subscribe topicfilter/#", "iot:Connect client/gateway", "iot:Publish topic/a",
		"iot:Publish topic/b",
		"iot:Publish topic/last", "iot:Receive topic/last",
	}}
	var said testlog.Log
	b := open(t, broker.Options{Now: leaps(), Authorize: p.authorize, Log: slog.New(slog.NewTextHandler(&said, nil))})
	sub := connected(t, b.Addr(), "sub")
	sub.send(subscribePacket("#"))
	sub.want(suback, 0, 9, 1)
	c := connected(t, b.Addr(), "gateway")
	for _, topic := range []string{"a", "a", "b", "a", "b", "last"} {
		c.send(publishPacket(topic, "x", 1, false)) // which sub may not receive
		c.want(puback, 0, 7)
	}
	sub.wantMessage("last", "x")
	for range 2 {
		stranger := dial(t, b.Addr())
		stranger.send(connectPacket{id: "stranger", version: 4, keepAlive: 60}.bytes())
		stranger.wantClosed()
	}
	if n := b.Counts().Denied; n != 7 {
		t.Errorf("got %d denied, want 7", n)
	}
	for _, line := range []string{
		`action=iot:Receive resource=topic/a client_id=sub why="it is not in the test's list"`,
		`action=iot:Receive resource=topic/b client_id=sub why=`,
		`action=iot:Connect resource=client/stranger client_id=stranger why=`,
	} {
		if n := strings.Count(said.String(), `msg="policy denies" `+line); n != 1 {
			t.Errorf("%q is told %d times in\n%s", line, n, said.String())
		}
	}
}

func TestBroker_policy_connectAttributes(t *testing.T) {
	p := &policy{allow: []string{"iot:Connect client/x"}}
	b := open(t, broker.Options{Now: leaps(), Authorize: p.authorize})
	c := dial(t, b.Addr())
	c.send(connectPacket{id: "x", version: 4, keepAlive: 60, willTopic: "w"}.bytes())
	c.want(connack, 0, 0)
	p.mu.Lock()
	defer p.mu.Unlock()
	if got := p.asked[0]; got.ClientID != "x" || !slices.Equal(got.ConnectAttributes, []string{"LastWill"}) {
		t.Errorf("asked %+v, want the attribute LastWill", got)
	}
}

// A last will that the policy does not allow is dropped.
func TestBroker_policy_will(t *testing.T) {
	p := &policy{allow: []string{"iot:Connect client/x", "iot:Connect client/y", "iot:Publish topic/marker"}}
	handed := make(chan broker.Publish, 10)
	gone := make(chan struct{}, 1)
	b := open(t, broker.Options{
		Now: leaps(), Authorize: p.authorize, OnPublish: func(m broker.Publish) { handed <- m },
		OnDisconnect: func() { gone <- struct{}{} },
	})
	c := dial(t, b.Addr())
	c.send(connectPacket{id: "x", version: 4, keepAlive: 60, willTopic: "last/words"}.bytes())
	c.want(connack, 0, 0)
	if err := c.conn.Close(); err != nil {
		t.Fatal(err)
	}
	<-gone // the will was sent before
	y := connected(t, b.Addr(), "y")
	y.send(publishPacket("marker", "x", 1, false))
	y.want(puback, 0, 7)
	if m := <-handed; m.Topic != "marker" {
		t.Errorf("the will went to %q", m.Topic)
	}
}
