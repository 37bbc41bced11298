package broker_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"piway/gateway/broker"
	"piway/shared/config"
)

func TestBroker_connect_refusals(t *testing.T) {
	good := login{user: "pi1", password: "hunter-pi1"}
	with := func(change func(*login)) login {
		l := good
		change(&l)
		return l
	}
	for name, tt := range map[string]struct {
		login login
		code  byte // of MQTT 3.1.1's table 3.1, and MQTT 5's for a client of that version
	}{
		"MQTT 3.1":             {with(func(l *login) { l.version = 3 }), 1},
		"MQTT 5":               {with(func(l *login) { l.version = 5 }), 0x84},
		"a bridge's own level": {with(func(l *login) { l.version = 0x84 }), 1}, // a mosquitto bridge then goes on with 4
		"wrong password":       {with(func(l *login) { l.password = "hunter-pi2" }), 5},
		"unknown user":         {with(func(l *login) { l.user = "pi3" }), 5},
		"no user":              {with(func(l *login) { l.user, l.id = "", "pi1" }), 5},
		"will as a user's own": {with(func(l *login) { l.user, l.will = "pi3", "pi/pi3/status" }), 5},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			c := dial(t, r.Addr())
			c.send(tt.login.bytes())
			kind, body, err := c.read()
			if err != nil || kind != connack || len(body) < 2 || body[1] != tt.code {
				t.Errorf("got packet type %d body %v err %v, want CONNACK with code %#x", kind, body, err, tt.code)
			}
			c.wantClosed()
			if got := r.Devices(); got != nil {
				t.Errorf("got devices %v", got)
			}
			if !strings.Contains(r.log.String(), "connection refused") {
				t.Errorf("the refusal is not in the log:\n%s", r.log)
			}
		})
	}
}

func TestBroker_connect_firstPacketMustBeConnect(t *testing.T) {
	r := start(t, nil)
	c := dial(t, r.Addr())
	c.send(publishPacket("raspi/metrics", "x", 1, 7))
	c.wantClosed()
	r.wantNone()
}

// 0 is no deadline in the library's arithmetic, and 43691 one that has passed.
func TestBroker_connect_keepAlive(t *testing.T) {
	r := start(t, nil)
	for _, seconds := range []uint16{0, 1, 60, 43690, 43691, 65535} {
		c := r.connectAs(login{user: "pi1", password: "hunter-pi1", keepAlive: seconds})
		c.wantNothing()
	}
}

// Many programs set a will that cannot be switched off. It is accepted wherever it points, and reaches nobody.
func TestBroker_connect_willIsConsumed(t *testing.T) {
	for i, topic := range []string{
		"pi/pi1/status", "pi/pi1/samples", "pi/pi2/status", "pi/pi2/rejected", "raspi/metrics",
		"$SYS/broker/connection/x/state", "tele/x/LWT",
	} {
		r := start(t, nil)
		watch := r.connect("pi2")
		watch.send(subscribePacket("pi/pi2/rejected"))
		watch.want(suback, 0, 9, 1)
		c := r.connectAs(login{user: "pi1", password: "hunter-pi1", will: topic, willRetained: i%2 == 0})
		c.wantNothing()
		r.Disconnect("pi1") // which would publish the will
		c.wantClosed()
		again := r.connect("pi1")
		again.send(publishPacket("pi/pi1/samples", "marker", 1, 7))
		if d := r.next(); d.payload != "marker" {
			t.Errorf("%s: handled %q, want the will consumed", topic, d.payload)
		}
		watch.wantNothing()
		watch.send(subscribePacket("pi/pi2/rejected"))
		watch.want(suback, 0, 9, 1) // and nothing retained
	}
}

func TestBroker_connect_sameIDOfTwoDevices(t *testing.T) {
	r := start(t, nil)
	a := r.connectAs(login{user: "pi1", password: "hunter-pi1", id: "same"})
	b := r.connectAs(login{user: "pi2", password: "hunter-pi2", id: "same"})
	a.wantNothing()
	b.wantNothing()
	a.send(publishPacket("pi/pi1/samples", "x", 1, 7))
	if d := r.next(); d.device != "pi1" {
		t.Errorf("handled as of %s", d.device)
	}
}

func TestBroker_connect_sameIDTakesOver(t *testing.T) {
	r := start(t, nil)
	first, second := r.connect("pi1"), r.connect("pi1")
	first.wantClosed()
	second.wantNothing()
}

func TestBroker_subscribe_deniesAllButTheOwnRejected(t *testing.T) {
	r := start(t, nil)
	c := r.connect("pi1")
	for _, filter := range []string{
		"#", "+/+/+", "$SYS/#", "$SYS/broker/clients/connected", "pi/pi2/rejected", "pi/+/rejected", "pi/pi1/#",
		"pi/pi1/samples", "raspi/metrics", "$share/g/pi/pi1/rejected", "$share/g/#",
	} {
		c.send(subscribePacket(filter))
		kind, body, err := c.read()
		if err != nil || kind != suback || string(body) != "\x00\x09\x80" {
			t.Fatalf("%s: got packet type %d body %v err %v, want SUBACK with 0x80", filter, kind, body, err)
		}
	}
	c.send(subscribePacket("pi/pi1/rejected"))
	c.want(suback, 0, 9, 1)
}

func TestBroker_log_hasNoPasswords(t *testing.T) {
	r := start(t, nil)
	good := login{user: "pi1", password: "hunter-pi1", will: "pi/pi1/status"}
	for _, l := range []login{
		{user: "pi1", password: "hunter-wrong"},
		{user: "pi3", password: "hunter-pi3", version: 3},
		{user: "pi3", password: "hunter-pi3", version: 5},
	} {
		c := dial(t, r.Addr())
		c.send(l.bytes())
		if kind, _, err := c.read(); err != nil || kind != connack {
			t.Errorf("got packet type %d err %v", kind, err)
		}
		c.wantClosed()
	}
	c := r.connectAs(good)
	c.send(good.bytes()) // a second CONNECT is a protocol violation, which the library logs with the whole packet
	c.wantClosed()
	c = dial(t, r.Addr())
	cut := good.bytes()
	cut[1] -= 3 // the password is longer than the packet
	c.send(cut)
	c.wantClosed()
	r.stop()

	out := r.log.String()
	if !strings.Contains(out, "second connect packet") {
		t.Errorf("the violation is not in the log:\n%s", out)
	}
	for _, bad := range []string{"hunter", "104 117 110", "aHVudGVy", "68756e746572"} { // as text, bytes, base64, hex
		if strings.Contains(out, bad) {
			t.Errorf("found %q in the log:\n%s", bad, out)
		}
	}
}

func TestOpen_portTaken(t *testing.T) {
	r := start(t, nil)
	addr := r.Addr().String()
	_, err := broker.Open(t.Context(), broker.Config{Listen: addr, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "broker.listen: "+addr) || config.Hint(err) == "" {
		t.Errorf("got %v, want an error that names broker.listen and has a hint", err)
	}
}

func TestBroker_Run_endsWithIdleSocketAndClients(t *testing.T) {
	r := start(t, nil)
	idle := dial(t, r.Addr()) // never sends its CONNECT
	c, waiting := r.connect("pi1"), r.connect("pi2")
	waiting.send(publishPacket("pi/pi2/samples", "x", 2, 7)) // its reader waits for done
	d := r.next()
	r.stop()
	for _, c := range []*client{idle, c, waiting} {
		for {
			if _, _, err := c.read(); err != nil {
				break
			}
		}
	}
	d.done(nil) // late, and harmless
}

func TestBroker_Run_neverServed(t *testing.T) {
	b, err := broker.Open(t.Context(), broker.Config{Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Run(ctx); err != nil {
		t.Error(err)
	}
}

// The queue calls done while the broker ends, and after.
func TestBroker_Run_endsWhileDoneIsCalled(t *testing.T) {
	const n = 200
	for range 20 {
		r := start(t, func(c *broker.Config) { c.MaxPending = n })
		c := r.connect("pi1")
		for i := range n {
			c.send(publishPacket("pi/pi1/samples", "x", 1, uint16(i+1)))
		}
		var ds []delivery
		for range n {
			ds = append(ds, r.next())
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for _, d := range ds {
				d.done(nil)
			}
		}()
		r.stop()
		<-ended
	}
}
