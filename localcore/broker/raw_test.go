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
	suback   = 9
	pingresp = 13
)

// patience ends a test that would hang; no test waits for it.
const patience = 20 * time.Second

// A client speaks MQTT 3.1.1 packet by packet, so that tests see what a library would hide.
type client struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func dial(t *testing.T, addr net.Addr) *client {
	t.Helper()
	var d net.Dialer
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

// connected dials and logs in.
func connected(t *testing.T, addr net.Addr, id string) *client {
	t.Helper()
	c := dial(t, addr)
	c.send(connectPacket{id: id, version: 4, keepAlive: 60}.bytes())
	c.want(connack, 0, 0)
	return c
}

type connectPacket struct {
	id        string
	version   byte
	keepAlive uint16
	willTopic string
	willQoS   byte
	password  string
}

func (p connectPacket) bytes() []byte {
	name := "MQTT"
	if p.version == 3 {
		name = "MQIsdp"
	}
	flags := byte(0b10) // clean session
	if p.willTopic != "" {
		flags |= 0b100100 | p.willQoS<<3 // with the retain flag
	}
	if p.password != "" {
		flags |= 0b11000000
	}
	body := append(text(name), p.version, flags)
	body = binary.BigEndian.AppendUint16(body, p.keepAlive)
	if p.version == 5 {
		body = append(body, 0)
	}
	body = append(body, text(p.id)...)
	if p.willTopic != "" {
		body = append(append(body, text(p.willTopic)...), text("gone")...)
	}
	if p.password != "" {
		body = append(append(body, text("user")...), text(p.password)...)
	}
	return packet(0x10, body)
}

func publishPacket(topic, payload string, qos byte, retain bool) []byte {
	head := byte(0x30) | qos<<1
	if retain {
		head |= 1
	}
	body := text(topic)
	if qos > 0 {
		body = append(body, 0, 7)
	}
	return packet(head, append(body, payload...))
}

func subscribePacket(filter string) []byte {
	return packet(0x82, append(append([]byte{0, 9}, text(filter)...), 1))
}

func pingPacket() []byte { return []byte{0xC0, 0} }

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

// wantNothing proves that the broker has answered nothing and still listens. A message that it forwards may come later
// than the answer; see wantMessage.
func (c *client) wantNothing() {
	c.t.Helper()
	c.send(pingPacket())
	c.want(pingresp)
}

// wantMessage proves that the next message forwarded to c is this one, with QoS 1 and the subscription's first packet
// id.
func (c *client) wantMessage(topic, payload string) {
	c.t.Helper()
	c.want(publish, append(append(text(topic), 0, 1), payload...)...)
}

func (c *client) wantClosed() {
	c.t.Helper()
	k, b, err := c.read()
	var timeout net.Error
	if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatalf("got packet type %d body %v err %v, want the connection closed", k, b, err)
	}
}
