package broker

import (
	"encoding/binary"
	"slices"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Reject tells a device why something of it was refused, on its rejected topic, if it listens there. What is
// acknowledged after the call is acknowledged behind it: a device that has the PUBACK has been told before.
func (b *Broker) Reject(device string, payload []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s, connected := range b.sessions[device] {
		if connected && s.hears(s.rejected) {
			s.notify(message(s.rejected, payload))
		}
	}
}

// Tell tells a device its settings anew, where it listens for them.
func (b *Broker) Tell(device string) {
	payload := b.cfg.Settings(device)
	b.mu.Lock()
	defer b.mu.Unlock()
	for s, connected := range b.sessions[device] {
		if connected && s.hears(s.config) {
			s.notify(message(s.config, payload))
		}
	}
}

// OnSubscribed tells the settings to a device that has subscribed to them. The library calls it before the SUBACK, on
// the connection's own reader: so the device knows them when its subscription is granted [MQTT-3.8.4-3].
func (h *hook) OnSubscribed(cl *mqtt.Client, pk packets.Packet, codes []byte) {
	s, ok := cl.Net.Conn.(*session)
	if !ok {
		return
	}
	for i, sub := range pk.Filters {
		if sub.Filter != s.config || codes[i] >= packets.ErrUnspecifiedError.Code {
			continue
		}
		if _, err := s.Write(message(s.config, h.b.cfg.Settings(s.device))); err != nil {
			_ = s.Close() // its reader sees the error
		}
	}
}

// message returns a PUBLISH of QoS 0, not retained [MQTT-3.3].
func message(topic string, payload []byte) []byte {
	size := uint64(2 + len(topic) + len(payload))
	p := binary.AppendUvarint([]byte{packets.Publish << 4}, size)
	p = binary.BigEndian.AppendUint16(p, uint16(len(topic))) //nolint:gosec // it came in a packet that says so in 16 bits
	return slices.Concat(p, []byte(topic), payload)
}

// hears reports whether the client subscribed to the topic.
func (s *session) hears(topic string) bool {
	_, ok := s.client.State.Subscriptions.Get(topic)
	return ok
}

// maxNotices bounds the bytes of messages that wait for a client to read.
const maxNotices = 256 << 10

// notify writes a message, in order with the PUBACKs. It does not block: a client that does not read is not told.
func (s *session) notify(message []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.notices+len(message) > maxNotices {
		return
	}
	s.out, s.notices = append(s.out, message...), s.notices+len(message)
	s.startFlush()
}
