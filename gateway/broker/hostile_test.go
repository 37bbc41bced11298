package broker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	"piway/gateway/broker"
	"piway/shared/testlog"
)

// startPlain runs a broker whose log is the operator's.
func startPlain(t *testing.T, change func(*broker.Config)) *rig {
	t.Helper()
	log := new(testlog.Log)
	r := start(t, func(c *broker.Config) {
		c.Log = slog.New(slog.NewTextHandler(log, nil))
		if change != nil {
			change(c)
		}
	})
	r.log = log
	return r
}

// wantLog holds the log to a few lines of text, of few bytes.
func (r *rig) wantLog(bytes int, lines ...string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	if _, err := r.log.Await(ctx, len(lines)); err != nil { // they are told behind a closing
		r.t.Error(err)
	}
	got := r.log.String()
	if len(got) > bytes || r.log.Count() != len(lines) {
		r.t.Errorf("got %d lines, %d bytes, want %d lines, %d bytes at most: %.3000s",
			r.log.Count(), len(got), len(lines), bytes, got)
	}
	for _, line := range lines {
		if !strings.Contains(got, line) {
			r.t.Errorf("want %q in the log\n%.3000s", line, got)
		}
	}
}

func heapNow() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// honest publishes a reading and gets it acknowledged.
func (r *rig) honest(c *client) {
	r.t.Helper()
	c.send(publishPacket("pi/pi2/samples", "reading", 1, 7))
	r.next().done(nil)
	c.want(puback, 0, 7)
}

// Somebody who guesses passwords beside honest devices of the same address, with names as long as a packet allows,
// costs them nothing, neither those that are connected nor those that come.
func TestBroker_hostile_passwordLoop(t *testing.T) {
	r := startPlain(t, nil)
	before := r.connect("pi2")
	heap := heapNow()
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 250 {
				conn, err := net.Dial("tcp", r.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				name := fmt.Sprint(worker, i) + strings.Repeat("\n", 3900)
				_, _ = conn.Write(login{user: name, password: "guess", id: "x"}.bytes()) // perhaps closed already
				_, _ = conn.Read(make([]byte, 4))
				_ = conn.Close()
			}
		})
	}
	for range 50 {
		r.honest(before)
		r.honest(r.connectAs(login{user: "pi2", password: "hunter-pi2", id: "another"}))
	}
	wg.Wait()
	r.honest(before)
	if grown := heapNow() - heap; grown > 8<<20 {
		t.Errorf("memory grew by %d bytes", grown)
	}
	r.wantLog(2000, `why="wrong user name or password"`, "taken over by one with the same client id")
}

// What is open and says nothing, or all but the last byte of its CONNECT, keeps nobody out.
func TestBroker_hostile_openSockets(t *testing.T) {
	l := login{user: strings.Repeat("u", 3900), password: "x", id: "x"}.bytes()
	for name, text := range map[string][]byte{"silent": nil, "a byte short": l[:len(l)-1]} {
		r := startPlain(t, func(c *broker.Config) { c.MaxConnections, c.MaxPerAddress = 5, 5 })
		before := r.connect("pi2")
		heap := heapNow()
		for i := range 1500 {
			_, _ = dial(t, r.Addr()).conn.Write(text)
			if i%100 == 0 {
				r.honest(r.connectAs(login{user: "pi2", password: "hunter-pi2", id: "another"}))
			}
		}
		r.honest(before)
		if n := r.Counts(); n.Refused > 0 || n.Waiting > 256 {
			t.Errorf("%s: got counts %+v", name, n)
		}
		if grown := heapNow() - heap; grown > 24<<20 { // with the clients' side
			t.Errorf("%s: memory grew by %d bytes", name, grown)
		}
		r.wantLog(2000, "made room for another one", "taken over by one with the same client id")
	}
}

// All devices of a house come at once, behind one address, as after a power cut: all get in, though in the second round
// their old sockets are still there.
func TestBroker_hostile_reconnectStorm(t *testing.T) {
	const n, atOnce = 500, 200
	r := startPlain(t, func(c *broker.Config) {
		c.MaxConnections, c.MaxPerAddress = n, n
		c.Authenticate = func(string, string, bool) bool { return true }
	})
	r.connect("pi0") // so the address is known
	for range 2 {
		var wg sync.WaitGroup
		places := make(chan struct{}, atOnce)
		for i := range n {
			wg.Go(func() {
				places <- struct{}{}
				defer func() { <-places }()
				conn, err := net.Dial("tcp", r.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				t.Cleanup(func() { _ = conn.Close() })
				ack := make([]byte, 4)
				_, err = conn.Write(login{user: fmt.Sprint("pi", i), password: "x"}.bytes())
				if err == nil {
					_, err = conn.Read(ack)
				}
				if err != nil || string(ack) != "\x20\x02\x00\x00" {
					t.Errorf("got %v, %v", ack, err)
				}
			})
		}
		wg.Wait()
	}
	if c := r.Counts(); c.Refused+c.Evicted > 0 || c.Open != n {
		t.Errorf("got counts %+v", c)
	}
}

// A device that publishes to foreign topics without end gets its acknowledgements, and one line in the log.
func TestBroker_hostile_deniedTopics(t *testing.T) {
	r := startPlain(t, nil)
	other := r.connect("pi2")
	c := r.connect("pi1")
	for i := range uint16(2000) {
		c.send(publishPacket(fmt.Sprint(i, strings.Repeat("\x1b[2J", 900)), "x", 1, i+1))
		c.want(puback, byte((i+1)>>8), byte(i+1))
		c.send(subscribePacket(fmt.Sprint("x", i)))
		c.want(suback, 0, 9, 0x80)
	}
	r.honest(other)
	if n := r.Counts().Denied; n != 2000 {
		t.Errorf("got %d denied, want 2000", n)
	}
	r.wantLog(3000, "what comes there is acknowledged and dropped", "write=false")
}

// Why a connection is closed is told once, at the default level, and without a packet that MQTT 3.1.1 does not have.
func TestBroker_hostile_closings(t *testing.T) {
	in := login{user: "pi1", password: "hunter-pi1"}.bytes()
	then := func(p ...byte) []byte { return append(append([]byte{}, in...), p...) }
	var qos2 []byte
	for id := range uint16(1100) { // none of which is ever released
		qos2 = append(qos2, publishPacket("pi/pi1/status", "x", 2, id+1)...)
	}
	for name, tt := range map[string]struct {
		text []byte
		why  string
	}{
		"TLS":             {[]byte("\x16\x03\x01\x02\x00\x01"), "TLS is spoken to a plain port"},
		"HTTP":            {[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "not MQTT, or no CONNECT"},
		"giant CONNECT":   {[]byte{0x10, 0xff, 0xff, 0xff, 0x7f}, "a CONNECT of 268435460 bytes, 4096 are allowed"},
		"cut CONNECT":     {[]byte{0x10, 2, 0, 9}, "protocol error: read connection: malformed packet"},
		"giant packet":    {then(0x32, 0xff, 0xff, 0xff, 0x7f), "a packet of 268435460 bytes, broker.max_packet is 4096"},
		"no length":       {then(0x32, 0xff, 0xff, 0xff, 0xff, 0xff), "protocol error: a packet's length is malformed"},
		"second CONNECT":  {then(in...), "protocol error: protocol violation: second connect packet"},
		"reserved type":   {then(0xF0, 0), "protocol error: "},
		"cut PUBLISH":     {then(0x32, 2, 0, 9), "protocol error: malformed packet: offset bytes out of range"},
		"no packet id":    {then(publishPacket("pi/pi1/status", "x", 1, 0)...), "protocol violation: missing packet id"},
		"QoS 3":           {then(0x36, 5, 0, 1, 'a', 0, 1), "protocol error: "},
		"no topic":        {then(0x30, 2, 0, 0), "protocol error: "},
		"empty SUBSCRIBE": {then(0x82, 2, 0, 1), "protocol error: "},
		"QoS 2 for ever":  {then(qos2...), "protocol error: receive maximum exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			r := startPlain(t, func(c *broker.Config) { c.MaxPending = 2000 })
			watch := r.connect("pi2")
			for range 5 {
				c := dial(t, r.Addr())
				_, _ = c.conn.Write(tt.text) // perhaps closed on the way
				for {
					kind, _, err := c.read()
					if err != nil {
						var timeout net.Error
						if errors.As(err, &timeout) && timeout.Timeout() {
							t.Fatal("it stays open")
						}
						break
					}
					if kind != connack && kind != pubrec {
						t.Errorf("got packet type %d", kind)
					}
				}
			}
			r.honest(watch)
			r.stop()
			lines := r.log.With()
			if !strings.Contains(lines[0], tt.why) || !strings.Contains(lines[0], "remote=127.0.0.1:") {
				t.Errorf("got log\n%swant %q", lines, tt.why)
			}
			for _, line := range lines[1:] { // at the end the number of the others
				if !strings.Contains(line, "more=4") {
					t.Errorf("got log\n%swant one line, and a count", lines)
				}
			}
		})
	}
}
