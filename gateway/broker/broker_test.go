package broker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/gateway/broker"
	"piway/shared/testlog"
)

// A rig is a broker that runs until the test ends, and what it hands on. Its devices are pi1 and pi2 with the
// passwords hunter-pi1 and hunter-pi2.
type rig struct {
	*broker.Broker
	t    testing.TB
	got  chan delivery
	log  *testlog.Log
	stop func() // ends Run and waits for it
}

// A delivery is one call of Handle.
type delivery struct {
	device, payload string
	done            func(error)
}

// start runs a broker; change may be nil.
func start(t testing.TB, change func(*broker.Config)) *rig {
	t.Helper()
	r := &rig{t: t, got: make(chan delivery, 5000), log: new(testlog.Log)}
	cfg := broker.Config{
		Listen: "127.0.0.1:0", Prefix: "pi", ScriptTopics: []string{"raspi/metrics"},
		MaxConnections: 100, MaxPerAddress: 100, MaxPacket: 4096, MaxPending: 64, ConnectTimeout: patience,
		Authenticate: func(user, password string, _ bool) bool {
			return (user == "pi1" || user == "pi2") && password == "hunter-"+user
		},
		Handle: func(device string, payload []byte, done func(error)) {
			r.got <- delivery{device, string(payload), done}
		},
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&cfg)
	}
	b, err := broker.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Broker = b
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

// connect logs a device in.
func (r *rig) connect(device string) *client {
	r.t.Helper()
	return r.connectAs(login{user: device, password: "hunter-" + device})
}

func (r *rig) connectAs(l login) *client {
	r.t.Helper()
	c := dial(r.t, r.Addr())
	c.send(l.bytes())
	c.want(connack, 0, 0)
	return c
}

// next returns the next call of Handle.
func (r *rig) next() delivery {
	r.t.Helper()
	select {
	case d := <-r.got:
		return d
	case <-time.After(patience):
		r.t.Fatal("nothing was handled")
		return delivery{}
	}
}

// wantNone proves that all that was sent before an answer that has come was not handled.
func (r *rig) wantNone() {
	r.t.Helper()
	select {
	case d := <-r.got:
		r.t.Errorf("handled %q of %s, want nothing handled", d.payload, d.device)
	default:
	}
}

func TestBroker_publish_isAcknowledgedByDone(t *testing.T) {
	r := start(t, nil)
	c := r.connect("pi1")
	for i, topic := range []string{"pi/pi1/samples", "raspi/metrics"} {
		c.send(publishPacket(topic, topic, 1, 0x0102+uint16(i)))
		d := r.next()
		if d.device != "pi1" || d.payload != topic {
			t.Errorf("handled %q of %s, want %q of pi1", d.payload, d.device, topic)
		}
		c.wantNothing()
		d.done(nil)
		c.want(puback, 1, 2+byte(i))
	}
}

func TestBroker_publish_manyInFlight(t *testing.T) {
	const n = 3000 // more than the library's own bound of 1024
	r := start(t, func(c *broker.Config) { c.MaxPending = n })
	c := r.connect("pi1")
	var all []byte
	for i := range n {
		all = append(all, publishPacket("pi/pi1/samples", fmt.Sprint(i), 1, uint16(i+1))...)
	}
	c.send(all)
	var ds []delivery
	for i := range n {
		d := r.next()
		if d.payload != fmt.Sprint(i) {
			t.Fatalf("handled %s as number %d", d.payload, i)
		}
		ds = append(ds, d)
	}
	c.wantNothing() // the reader goes on while done is awaited
	for _, d := range ds {
		d.done(nil)
	}
	for i := range n {
		c.want(puback, byte((i+1)>>8), byte(i+1))
	}
}

func TestBroker_publish_failedIsNotAcknowledged(t *testing.T) {
	for qos := range byte(3) {
		t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
			r := start(t, nil)
			c := r.connect("pi1")
			other := r.connect("pi2")
			c.send(publishPacket("pi/pi1/samples", "x", qos, 7))
			r.next().done(errors.New("disk full"))
			c.wantClosed()
			other.wantNothing()
		})
	}
}

func TestBroker_publish_maxPending(t *testing.T) {
	const bound, n = 2, 20
	r := start(t, func(c *broker.Config) { c.MaxPending = bound })
	c := r.connect("pi1")
	for i := range n {
		c.send(publishPacket("pi/pi1/samples", fmt.Sprint(i), 1, uint16(i+1)))
	}
	for i := range n {
		d := r.next()
		// Time enough for a reader that does not wait to run ahead: the other client's answers.
		if i == 0 {
			other := r.connect("pi2")
			for range 20 {
				other.wantNothing()
			}
		}
		if ahead := len(r.got); ahead >= bound {
			t.Fatalf("%d publishes are under way, want %d at most", ahead+1, bound)
		}
		d.done(nil)
		c.want(puback, 0, byte(i+1))
	}
}

func TestBroker_publish_qos0And2(t *testing.T) {
	r := start(t, nil)
	c := r.connect("pi1")
	c.send(publishPacket("pi/pi1/samples", "zero", 0, 0))
	r.next().done(nil)
	c.wantNothing()

	c.send(publishPacket("pi/pi1/samples", "two", 2, 7))
	d := r.next()
	if d.payload != "two" {
		t.Errorf("handled %q", d.payload)
	}
	d.done(nil)
	c.want(pubrec, 0, 7)
	c.send([]byte{0x62, 2, 0, 7}) // PUBREL
	c.want(pubcomp, 0, 7)
	r.wantNone()
}

func TestBroker_publish_statusIsNotHandled(t *testing.T) {
	r := start(t, nil)
	c := r.connect("pi1")
	c.send(publishPacket("pi/pi1/status", "online", 1, 7))
	c.want(puback, 0, 7)
	r.wantNone()
}

// A denied topic costs the message and not the connection, nor what is behind it; it is told once, and counted.
func TestBroker_publish_denied(t *testing.T) {
	r := start(t, nil)
	watch := r.connect("pi2")
	watch.send(subscribePacket("pi/pi2/rejected"))
	watch.want(suback, 0, 9, 1)
	for i, topic := range []string{
		"pi/pi2/samples", "pi/pi2/status", "pi/pi2/rejected", "pi/pi1/rejected", "pi/pi1/samples/x",
		"elsewhere", "homeassistant/sensor/x/config",
		"$SYS/broker/uptime", "$sys/x", "$SYS", "$share/g/pi/pi2/rejected", "$share", "$aws/rules/x",
		"pi/+/samples", "#", "pi/#/x", strings.Repeat("t/", 2000),
	} {
		c := r.connect("pi1")
		c.send(publishPacket(topic, "x", 0, 0)) // has no answer
		c.wantNothing()
		c.send(publishPacket(topic, "x", 1, 7))
		c.want(puback, 0, 7)
		c.send(publishPacket(topic, "x", 2, 8))
		c.want(pubrec, 0, 8)
		c.send([]byte{0x62, 2, 0, 8}) // PUBREL
		c.want(pubcomp, 0, 8)
		r.wantNone()
		if n := r.Counts().Denied; n != int64(3*(i+1)) {
			t.Errorf("%.50s: counted %d", topic, n)
		}
		c.send(publishPacket("pi/pi1/samples", "reading", 1, 9))
		r.next().done(nil)
		c.want(puback, 0, 9)
	}
	watch.wantNothing()
	log := r.log.String()
	if n := strings.Count(log, "topic denied"); n != 1 || !strings.Contains(log, "topic=pi/pi2/samples") {
		t.Errorf("told %d times, want once", n)
	}
}

func TestBroker_publish_tooLarge(t *testing.T) {
	r := start(t, nil)
	fits := r.connect("pi1")
	fits.send(publishPacket("pi/pi1/samples", strings.Repeat("x", 4000), 1, 7))
	r.next().done(nil)
	fits.want(puback, 0, 7)

	c := r.connect("pi2")
	c.send([]byte{0x32, 0xFF, 0xFF, 0xFF, 0x7F}) // the length alone, before the bytes
	c.wantClosed()
	c = r.connect("pi2")
	_, _ = c.conn.Write(publishPacket("pi/pi2/samples", strings.Repeat("x", 5000), 1, 7)) // perhaps closed on the way
	c.wantClosed()
	r.wantNone()
}

func TestBroker_Reject(t *testing.T) {
	r := start(t, nil)
	c, other := r.connect("pi1"), r.connect("pi2")
	for _, s := range []struct {
		c      *client
		device string
	}{{c, "pi1"}, {other, "pi2"}} {
		s.c.send(subscribePacket("pi/" + s.device + "/rejected"))
		s.c.want(suback, 0, 9, 1)
	}
	r.Reject("pi1", []byte("why"))
	c.want(publish, append(text("pi/pi1/rejected"), "why"...)...)
	r.Reject("pi2", []byte("other"))
	other.want(publish, append(text("pi/pi2/rejected"), "other"...)...)
	r.Reject("nobody", []byte("lost"))
	c.wantNothing()
}

// A device that is removed between its password and its CONNACK must not stay.
func TestBroker_Disconnect_whileConnecting(t *testing.T) {
	judging, judged := make(chan struct{}), make(chan struct{})
	r := start(t, func(cfg *broker.Config) {
		cfg.Authenticate = func(string, string, bool) bool {
			close(judging)
			<-judged
			return true
		}
	})
	c := dial(t, r.Addr())
	c.send(login{user: "pi1", password: "hunter-pi1", id: "pi1"}.bytes())
	<-judging
	if got := r.Devices(); got != nil {
		t.Errorf("before it is let in: got devices %v", got)
	}
	r.Disconnect("pi1")
	close(judged)
	c.wantClosed()
}

func TestBroker_Devices_andDisconnect(t *testing.T) {
	r := start(t, nil)
	b := r.connect("pi2")
	a := r.connect("pi1")
	again := r.connectAs(login{user: "pi1", password: "hunter-pi1", id: "another"})
	if got := r.Devices(); !slices.Equal(got, []string{"pi1", "pi2"}) {
		t.Errorf("got devices %v", got)
	}
	r.Disconnect("pi1")
	a.wantClosed()
	again.wantClosed()
	b.wantNothing()
}
