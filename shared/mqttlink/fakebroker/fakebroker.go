// Package fakebroker is an MQTT 3.1.1 broker for tests, in which the test decides what is answered:
// it can refuse a login, stay silent, withhold a PUBACK and cut connections.
package fakebroker

import (
	"crypto/tls"
	"encoding/binary"
	"net"
	"strings"
	"sync"
	"testing"
)

// A Connect is what a client said when it came.
type Connect struct {
	ClientID, Username, Password string
	WillTopic, WillPayload       string
	KeepAlive                    uint16
	Clean                        bool
}

// A Publish is one message that a client sent.
type Publish struct {
	Conn    int // 1 for the first connection, 2 for the next …
	ID      uint16
	Topic   string
	Payload []byte
	Retain  bool
}

// A Broker serves until the test ends. Set the fields before the first client comes.
type Broker struct {
	// Connack returns the CONNACK's code for a client, or a negative number to say nothing. nil accepts everyone.
	Connack func(Connect) int
	// Puback says whether a QoS 1 publish is acknowledged. nil acknowledges all. It is called from several goroutines.
	Puback func(Publish) bool
	// Suback is the return code of subscriptions, normally 0 or 1.
	Suback byte
	// Deny is a topic to which nobody may subscribe.
	Deny string
	// Greeting is what a client is sent that subscribes to a topic, before its SUBACK.
	Greeting map[string]string

	// Connects and Publishes tell what came. A test that has no interest in one may leave it alone until 1000 are kept.
	Connects  chan Connect
	Publishes chan Publish

	listener net.Listener
	wg       sync.WaitGroup

	mu    sync.Mutex // guards what follows, and writes to the connections
	count int
	conns map[net.Conn][]string // with the filters subscribed
}

// New listens on a free loopback port; with cfg not nil it speaks TLS. It stops when the test ends.
func New(t testing.TB, cfg *tls.Config) *Broker {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	if cfg != nil {
		l = tls.NewListener(l, cfg)
	}
	return Serve(t, l)
}

// Serve is New on a listener, which it owns from now on.
func Serve(t testing.TB, l net.Listener) *Broker {
	t.Helper()
	b := &Broker{
		Connects: make(chan Connect, 1000), Publishes: make(chan Publish, 1000),
		listener: l, conns: map[net.Conn][]string{},
	}
	b.wg.Go(b.accept)
	t.Cleanup(func() {
		_ = l.Close() // ends accept
		b.Drop()
		b.wg.Wait()
	})
	return b
}

// Addr is the address as host:port.
func (b *Broker) Addr() string { return b.listener.Addr().String() }

// Drop cuts all connections without a word.
func (b *Broker) Drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.conns {
		_ = c.Close() // the reader sees it
	}
}

// Send publishes a message with QoS 0 to every client that subscribed to exactly this topic, and returns to how many.
func (b *Broker) Send(topic, payload string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	body := append(text(topic), payload...)
	for c, filters := range b.conns {
		for _, f := range filters {
			if f == topic {
				_, _ = c.Write(packet(0x30, body)) // a lost client is the reader's business
				n++
			}
		}
	}
	return n
}

func (b *Broker) accept() {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		b.count++
		n := b.count
		b.conns[c] = nil
		b.mu.Unlock()
		b.wg.Go(func() {
			b.serve(c, n)
			b.mu.Lock()
			delete(b.conns, c)
			b.mu.Unlock()
			_ = c.Close() // it has ended either way
		})
	}
}

// serve answers one client until it or the broker ends the connection.
func (b *Broker) serve(c net.Conn, n int) {
	for {
		kind, body, err := readPacket(c)
		if err != nil {
			return
		}
		switch kind >> 4 {
		case 1:
			if kind != 0x10 || !b.greeted(c, body) { // a TLS greeting starts with 0x16
				return
			}
		case 3:
			b.published(c, n, kind, body)
		case 8:
			b.subscribed(c, body)
		case 12:
			b.write(c, 0xD0)
		case 14:
			return
		}
	}
}

// greeted answers a CONNECT and says whether the client may stay.
func (b *Broker) greeted(c net.Conn, body []byte) bool {
	hello := parseConnect(body)
	b.Connects <- hello
	code := 0
	if b.Connack != nil {
		code = b.Connack(hello)
	}
	if code >= 0 {
		b.write(c, 0x20, 0, byte(code))
	}
	return code <= 0
}

func (b *Broker) published(c net.Conn, n int, kind byte, body []byte) {
	topic, rest := cutText(body)
	p := Publish{Conn: n, Topic: topic, Retain: kind&1 == 1}
	if kind&6 != 0 {
		p.ID = binary.BigEndian.Uint16(rest)
		rest = rest[2:]
	}
	p.Payload = rest
	b.Publishes <- p
	if p.ID != 0 && (b.Puback == nil || b.Puback(p)) {
		b.write(c, 0x40, binary.BigEndian.AppendUint16(nil, p.ID)...)
	}
}

func (b *Broker) subscribed(c net.Conn, body []byte) {
	filter, _ := cutText(body[2:])
	b.mu.Lock()
	code := b.Suback
	if filter == b.Deny {
		code = 0x80
	}
	if code < 3 {
		b.conns[c] = append(b.conns[c], strings.Clone(filter))
	}
	b.mu.Unlock()
	if hello, ok := b.Greeting[filter]; ok {
		b.write(c, 0x30, append(text(filter), hello...)...)
	}
	b.write(c, 0x90, body[0], body[1], code)
}

func (b *Broker) write(c net.Conn, kind byte, body ...byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, _ = c.Write(packet(kind, body)) // a lost client is the reader's business
}
