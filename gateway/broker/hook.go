package broker

import (
	"log/slog"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// hook is where the library asks and obeys. There is only this one: the library lets in whom any hook lets in.
type hook struct {
	mqtt.HookBase
	b *Broker
}

// ID names the hook in the library's log.
func (h *hook) ID() string { return "piway" }

// Provides lists the questions that the hook answers.
func (h *hook) Provides(q byte) bool {
	switch q {
	case mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnSubscribed, mqtt.OnPacketRead, mqtt.OnPublish,
		mqtt.OnPacketEncode:
		return true
	default:
		return false
	}
}

// OnACLCheck denies all but a device's own topics for reading. Writing is judged by OnPublish: the library would end
// the connection of who may not.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	s, ok := cl.Net.Conn.(*session)
	if !ok {
		return false
	}
	allowed := write || topic == s.rejected || topic == s.config && h.b.cfg.Settings != nil
	if !allowed {
		h.b.log.Tell(slog.LevelWarn, s.device+" reads", "topic denied",
			"device", s.device, "topic", topic, "write", false, "own", s.rejected)
	}
	return allowed
}

// noTopic is in the place of one that is denied. None from the wire has this character [MQTT-1.5.3-2].
const noTopic = "\x00"

// OnPacketRead takes the topic from a publish that is denied: the library would drop one to $SYS without an answer, and
// end the connection for a wildcard.
func (h *hook) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Type == packets.Connect {
		return allowed(pk), nil
	}
	if pk.FixedHeader.Type != packets.Publish || pk.TopicName == "" {
		return pk, nil
	}
	s, ok := cl.Net.Conn.(*session)
	if !ok || s.mayWrite(pk.TopicName) {
		return pk, nil
	}
	h.b.denied.Add(1)
	h.b.log.Tell(slog.LevelWarn, s.device, "topic denied; what comes there is acknowledged and dropped",
		"device", s.device, "topic", pk.TopicName, "write", true, "own", s.samples)
	pk.TopicName = noTopic
	return pk, nil
}

// OnPublish hands a publish on. Its return value decides what the library does: CodeSuccessIgnore acknowledges and
// forwards to nobody, ErrRejectPacket does neither. Any other error would acknowledge and forward.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	s, ok := cl.Net.Conn.(*session)
	if !ok {
		return pk, packets.ErrRejectPacket
	}
	// A denied topic costs the message and not the connection: a program that begins with its own discovery would never
	// get to its readings.
	if !s.mayReport(pk.TopicName) {
		return pk, packets.CodeSuccessIgnore
	}
	if pk.FixedHeader.Qos == 2 {
		return pk, h.handleNow(s, pk)
	}
	s.take(pk.FixedHeader.Qos, pk.PacketID, pk.Payload)
	return pk, packets.ErrRejectPacket // the PUBACK is written when the receiver says so
}

// handleNow keeps the reader waiting for the outcome, since the library answers QoS 2 by itself when the hook returns.
func (h *hook) handleNow(s *session, pk packets.Packet) error {
	size := len(pk.Payload)
	if !s.enter(size) {
		return packets.ErrRejectPacket
	}
	defer s.leave(size) // also when it panics
	outcome := make(chan error, 1)
	h.b.cfg.Handle(s.device, pk.Payload, func(err error) { outcome <- err })
	select {
	case err := <-outcome:
		if err == nil {
			return packets.CodeSuccessIgnore
		}
	case <-h.b.closed:
	}
	s.shut() // unacknowledged: the client connects and sends again
	return packets.ErrRejectPacket
}
