package mqttlink

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"
)

// errNoPong ends a connection on which a ping is not answered.
var errNoPong = errors.New("pingresp not received, disconnecting")

// A keepAlive pings a broker when nothing was sent to it, or nothing came from it, for the keep-alive. Each packet puts
// its timer off: the library would look every 5 s whether a ping is due, which costs a device that sends every 15 s a
// quarter of its processor time. The zero value waits for start.
type keepAlive struct {
	every time.Duration
	ping  func()      // sends one; the connection's read reports what fails
	dead  func(error) // ends the connection

	mu             sync.Mutex  // guards what follows
	timer          *time.Timer // nil before start and after stop
	sent, received time.Time
	asked          time.Time // when the ping went that is not answered, zero if none is
}

// inConnect is the library's CONNECT with the keep-alive in it, which stands behind the length of the packet, the
// protocol's name and version, and the flags [MQTT-3.1.2].
func (k *keepAlive) inConnect(packet []byte) []byte {
	packet = slices.Clone(packet) // a Write must not change it
	at := 1
	for at < len(packet) && packet[at] >= 0x80 {
		at++
	}
	if at += 1 + len("\x00\x04MQTT\x04") + 1; at+2 <= len(packet) {
		binary.BigEndian.PutUint16(packet[at:], uint16(k.every/time.Second)) //nolint:gosec // 20 min at most
	}
	return packet
}

// start begins; the connection has just been accepted.
func (k *keepAlive) start() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sent, k.received = time.Now(), time.Now()
	k.timer = time.AfterFunc(k.every, k.due)
}

// stop ends it. A ping that is under way goes to a connection that is closed.
func (k *keepAlive) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.timer != nil {
		k.timer.Stop()
		k.timer = nil
	}
}

// hasSent notes that a packet went.
func (k *keepAlive) hasSent() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sent = time.Now()
	k.plan()
}

// hasReceived notes that a packet came, and whether it answers a ping.
func (k *keepAlive) hasReceived(pong bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.received = time.Now()
	if pong {
		k.asked = time.Time{}
	}
	k.plan()
}

// plan sets the timer for what is due next: that the answer to a ping is missing, or a ping. k.mu is held.
func (k *keepAlive) plan() {
	if k.timer == nil {
		return
	}
	next := k.asked.Add(pingTimeout)
	if k.asked.IsZero() {
		next = k.sent.Add(k.every)
		if k.received.Before(k.sent) {
			next = k.received.Add(k.every)
		}
	}
	k.timer.Reset(time.Until(next))
}

// due does what is due now.
func (k *keepAlive) due() {
	ping, dead := k.judge(time.Now())
	switch {
	case dead:
		k.dead(errNoPong)
	case ping: // the timer waits for the answer already, should this block
		k.ping()
	}
}

// judge says whether a ping is to be sent, or the connection is to be ended.
func (k *keepAlive) judge(now time.Time) (ping, dead bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.timer == nil:
		return false, false
	case !k.asked.IsZero():
		dead = now.Sub(k.asked) >= pingTimeout
	case now.Sub(k.sent) >= k.every || now.Sub(k.received) >= k.every:
		ping, k.asked = true, now
	}
	if !dead {
		k.plan()
	}
	return ping, dead
}
