package broker_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// Packet types [MQTT-2.2.1].
const (
	connack  = 2
	publish  = 3
	puback   = 4
	pubrec   = 5
	pubcomp  = 7
	suback   = 9
	pingresp = 13
)

// patience ends a test that would hang; no test waits for it.
const patience = 20 * time.Second

// A client speaks MQTT packet by packet, so that tests see what a library would hide.
type client struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
}

func dial(t testing.TB, addr net.Addr) *client {
	t.Helper()
	return dialFrom(t, addr, "127.0.0.1")
}

// dialFrom is dial from another address of loopback's.
func dialFrom(t testing.TB, addr net.Addr, from string) *client {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.DialContext(t.Context(), "tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // perhaps closed by the test
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{t, conn, bufio.NewReader(conn)}
}

// login is a CONNECT packet; its zero value but for user and password is a good one.
type login struct {
	user, password string
	id             string // the user, if empty
	version        byte   // 4, if 0
	keepAlive      uint16
	will           string // topic
	willRetained   bool
}

func (l login) bytes() []byte {
	name := "MQTT"
	switch l.version {
	case 0:
		l.version = 4
	case 3:
		name = "MQIsdp"
	}
	if l.id == "" {
		l.id = l.user
	}
	flags := byte(0b11000010) // user, password, clean session
	if l.will != "" {
		flags |= 0b1100 // QoS 1
	}
	if l.willRetained {
		flags |= 0b100000
	}
	body := append(text(name), l.version, flags)
	body = binary.BigEndian.AppendUint16(body, l.keepAlive)
	if l.version == 5 {
		body = append(body, 0)
	}
	body = append(body, text(l.id)...)
	if l.will != "" {
		body = append(append(body, text(l.will)...), text("gone")...)
	}
	return packet(0x10, append(append(body, text(l.user)...), text(l.password)...))
}

func publishPacket(topic, payload string, qos byte, id uint16) []byte {
	body := text(topic)
	if qos > 0 {
		body = binary.BigEndian.AppendUint16(body, id)
	}
	return packet(0x30|qos<<1, append(body, payload...))
}

func subscribePacket(filter string) []byte {
	return packet(0x82, append(append([]byte{0, 9}, text(filter)...), 1))
}

func text(s string) []byte { return append([]byte{byte(len(s) >> 8), byte(len(s))}, s...) }

func packet(head byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{head}, uint64(len(body))), body...)
}

func (c *client) send(p []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(p); err != nil {
		c.t.Fatal(err)
	}
}

// read returns the next packet's type and body.
func (c *client) read() (byte, []byte, error) {
	head, err := c.r.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	n, err := binary.ReadUvarint(c.r)
	if err != nil {
		return 0, nil, err
	}
	body := make([]byte, n)
	_, err = io.ReadFull(c.r, body)
	return head >> 4, body, err
}

func (c *client) want(kind byte, body ...byte) {
	c.t.Helper()
	k, b, err := c.read()
	if err != nil || k != kind || string(b) != string(body) {
		c.t.Fatalf("got packet type %d body %v err %v, want type %d body %v", k, b, err, kind, body)
	}
}

// wantNothing proves that the broker has answered nothing and still listens.
func (c *client) wantNothing() {
	c.t.Helper()
	c.send([]byte{0xC0, 0}) // PINGREQ
	c.want(pingresp)
}

// wantClosed proves that the connection ends and no further packet comes: MQTT 3.1.1 has none that says why.
func (c *client) wantClosed() {
	c.t.Helper()
	k, b, err := c.read()
	var timeout net.Error
	if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatalf("got packet type %d body %v err %v, want the connection closed", k, b, err)
	}
}
