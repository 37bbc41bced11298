package broker_test

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"piway/localcore/broker"
	"piway/shared/testlog"
)

// start runs a broker without TLS until the test ends, and returns its address and what it hands on.
func start(t *testing.T, logTo io.Writer) (net.Addr, <-chan broker.Publish) {
	t.Helper()
	got := make(chan broker.Publish, 16)
	b := open(t, broker.Options{
		OnPublish: func(p broker.Publish) { got <- p },
		Now:       leaps(),
		Log:       slog.New(slog.NewTextHandler(logTo, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	return b.Addr(), got
}

// leaps is a clock that goes on two seconds each time it is looked at, so that no rate is ever reached.
func leaps() func() time.Time {
	var n atomic.Int64
	begun := time.Now()
	return func() time.Time { return begun.Add(time.Duration(n.Add(1)) * 2 * time.Second) }
}

// open runs a broker until the test ends.
func open(t *testing.T, opt broker.Options) *broker.Broker {
	t.Helper()
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.OnPublish == nil {
		opt.OnPublish = func(broker.Publish) {}
	}
	b, err := broker.Open(t.Context(), "127.0.0.1:0", opt)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return b
}

func wantNone(t *testing.T, got <-chan broker.Publish) {
	t.Helper()
	select {
	case p := <-got:
		t.Errorf("got publish %q, want none", p.Topic)
	default:
	}
}

func TestBroker_publish_isHandedOnBeforeItsPuback(t *testing.T) {
	addr, got := start(t, io.Discard)
	c := connected(t, addr, "gateway")
	c.send(publishPacket("raspi/metrics", "{}", 1, false))
	c.want(puback, 0, 7)
	select {
	case p := <-got:
		if p.Topic != "raspi/metrics" || p.ClientID != "gateway" || string(p.Payload) != "{}" || p.Time.IsZero() {
			t.Errorf("got %+v", p)
		}
	default:
		t.Error("acknowledged before it was handed on")
	}
}

func TestBroker_connect_refusesOtherVersions(t *testing.T) {
	addr, _ := start(t, io.Discard)
	for version, code := range map[byte]byte{3: 1, 5: 0x84, 0x84: 1} { // 0x84 is what a mosquitto bridge tries first
		c := dial(t, addr)
		c.send(connectPacket{id: "x", version: version, keepAlive: 60}.bytes())
		kind, body, err := c.read()
		if err != nil || kind != connack || body[1] != code {
			t.Errorf("version %d: got packet type %d body %v err %v, want CONNACK with code %#x", version, kind, body, err, code)
		}
		c.wantClosed()
	}
}

// What MQTT 3.1.1 does not allow is not answered with a code of MQTT 5, but not at all [MQTT-3.1.4-1].
func TestBroker_connect_codesOfItsVersion(t *testing.T) {
	addr, _ := start(t, io.Discard)
	for name, flags := range map[string]byte{"the reserved flag": 0b11, "an empty password": 0b11000010, "no will to retain": 0b100010} {
		body := append(append(text("MQTT"), 4, flags, 0, 60), text("x")...)
		if flags&0b10000000 != 0 {
			body = append(append(body, text("user")...), text("")...)
		}
		c := dial(t, addr)
		c.send(packet(0x10, body))
		if kind, body, err := c.read(); err == nil {
			t.Errorf("%s: got packet type %d body %v, want no answer", name, kind, body)
		}
	}
}

// A keep-alive of 43691 s is a deadline of no time at all in mochi's arithmetic.
func TestBroker_connect_longKeepAlive(t *testing.T) {
	addr, _ := start(t, io.Discard)
	c := dial(t, addr)
	c.send(connectPacket{id: "x", version: 4, keepAlive: 43691}.bytes())
	c.want(connack, 0, 0)
	c.wantNothing()
}

func TestBroker_connect_takesOverTheClientID(t *testing.T) {
	addr, _ := start(t, io.Discard)
	first := connected(t, addr, "gateway")
	second := connected(t, addr, "gateway")
	first.wantClosed() // without a DISCONNECT, which is MQTT 5's
	second.wantNothing()
}

func TestBroker_publish_qos2IsIgnored(t *testing.T) {
	addr, got := start(t, io.Discard)
	c := connected(t, addr, "gateway")
	c.send(publishPacket("raspi/metrics", "{}", 2, false))
	c.wantNothing()
	wantNone(t, got)
}

func TestBroker_publish_payloadLimit(t *testing.T) {
	const limit = 128 * 1024
	addr, got := start(t, io.Discard)
	c := connected(t, addr, "gateway")
	c.send(publishPacket("raspi/metrics", strings.Repeat("x", limit), 1, false))
	c.want(puback, 0, 7)
	<-got
	for _, size := range []int{limit + 1, limit + 10_000} {
		c := connected(t, addr, "gateway")
		_, _ = c.conn.Write(publishPacket("raspi/metrics", strings.Repeat("x", size), 1, false)) // perhaps closed on the way
		c.wantClosed()
	}
	wantNone(t, got)
}

// The announced length alone must end the connection: memory for it is taken before the bytes come.
func TestBroker_packet_announcedTooLong(t *testing.T) {
	addr, _ := start(t, io.Discard)
	c := connected(t, addr, "gateway")
	c.send(binary.AppendUvarint([]byte{0x30}, 200<<20))
	c.wantClosed()
}

func TestBroker_publish_reachesSubscribersAndIsNotRetained(t *testing.T) {
	addr, got := start(t, io.Discard)
	early := connected(t, addr, "early")
	early.send(subscribePacket("#"))
	early.want(suback, 0, 9, 1)

	c := connected(t, addr, "gateway")
	c.send(publishPacket("a/b", "hello", 1, true))
	c.want(puback, 0, 7)
	early.wantMessage("a/b", "hello")
	<-got
	wantNothingRetained(t, addr)
}

// wantNothingRetained proves that a new subscriber's first message is one that is published after it subscribed.
func wantNothingRetained(t *testing.T, addr net.Addr) {
	t.Helper()
	late := connected(t, addr, "late")
	late.send(subscribePacket("#"))
	late.want(suback, 0, 9, 1)
	c := connected(t, addr, "marker")
	c.send(publishPacket("marker", "m", 1, false))
	c.want(puback, 0, 7)
	late.wantMessage("marker", "m")
}

func TestBroker_publish_basicIngestReachesNoSubscriber(t *testing.T) {
	addr, got := start(t, io.Discard)
	spy := connected(t, addr, "spy")
	spy.send(subscribePacket("#"))
	spy.want(suback, 0, 9, 1)
	c := connected(t, addr, "gateway")
	c.send(publishPacket("$aws/rules/topic_rule/x", "{}", 1, false))
	c.want(puback, 0, 7)
	c.send(publishPacket("marker", "m", 1, false))
	c.want(puback, 0, 7)
	spy.wantMessage("marker", "m")
	if p := <-got; p.Topic != "$aws/rules/topic_rule/x" {
		t.Errorf("got %q", p.Topic)
	}
}

func TestBroker_will(t *testing.T) {
	addr, got := start(t, io.Discard)
	c := dial(t, addr)
	c.send(connectPacket{id: "x", version: 4, keepAlive: 60, willTopic: "last/words"}.bytes())
	c.want(connack, 0, 0)
	if err := c.conn.Close(); err != nil {
		t.Fatal(err)
	}
	if p := <-got; p.Topic != "last/words" || p.ClientID != "x" || string(p.Payload) != "gone" {
		t.Errorf("got %+v", p)
	}
	wantNothingRetained(t, addr) // though the will asked for it

	c = dial(t, addr)
	c.send(connectPacket{id: "x", version: 4, keepAlive: 60, willTopic: "last/words", willQoS: 2}.bytes())
	c.wantClosed()
}

func TestBroker_log_hasNoPasswordsAndNoWarnings(t *testing.T) {
	var log testlog.Log
	addr, _ := start(t, &log)
	again := connectPacket{id: "x", version: 4, keepAlive: 1, password: "hunter2"}.bytes()
	c := dial(t, addr)
	c.send(again)
	c.want(connack, 0, 0)
	c.send(again) // a second CONNECT is a protocol violation, which mochi logs with the whole packet
	c.wantClosed()

	out := log.String()
	if !strings.Contains(out, "second connect packet") {
		t.Fatalf("the violation is not in the log:\n%s", out)
	}
	for _, bad := range []string{"hunter2", "104 117 110"} {
		if strings.Contains(out, bad) {
			t.Errorf("found %q in the log:\n%s", bad, out)
		}
	}
	// mochi warns of the keep-alive and of the violation; this package tells why it closed the connection.
	if strings.Count(out, "level=WARN") > strings.Count(out, `level=WARN msg="connection closed"`) {
		t.Errorf("found a warning of mochi's in the log:\n%s", out)
	}
}

func TestBroker_Run_endsWithIdleSocketAndClient(t *testing.T) {
	b, err := broker.Open(t.Context(), "127.0.0.1:0", broker.Options{
		OnPublish: func(broker.Publish) {}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	idle := dial(t, b.Addr()) // never sends its CONNECT
	c := connected(t, b.Addr(), "gateway")
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: got %v, want nil", err)
	}
	idle.wantClosed()
	c.wantClosed()
}
