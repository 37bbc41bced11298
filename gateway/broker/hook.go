package broker

import (
	"errors"
	"fmt"
	"slices"

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
	case mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnSessionEstablish, mqtt.OnACLCheck, mqtt.OnSubscribed, mqtt.OnPublish, mqtt.OnPacketEncode:
		return true
	default:
		return false
	}
}

// Keep-alives are clamped to these seconds. The library computes 1.5 times of it in 16 bits, so that 0 would mean no
// deadline and 43691 one that has passed. The longest is AWS IoT Core's own.
const minKeepAlive, maxKeepAlive = 10, 1200

// OnConnect judges the CONNECT packet before the password is looked at. An error closes the connection, without a
// CONNACK unless it was sent here.
func (h *hook) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	s, ok := cl.Net.Conn.(*session)
	if !ok {
		return errors.New("not a connection of this broker")
	}
	// MQTT 5 is answered by the book, 0x84. The library would also panic on a cut-off SUBSCRIBE of version 5.
	if pk.ProtocolVersion != 4 {
		return h.refuse(cl, packets.ErrUnsupportedProtocolVersion, fmt.Errorf("protocol level %d, only MQTT 3.1.1 is spoken", pk.ProtocolVersion))
	}
	device := string(pk.Connect.Username) // a claim until the password is judged
	s.identify(device, cl)
	if pk.Connect.WillFlag && pk.Connect.WillTopic != s.status {
		// The one code that the library turns into MQTT 3.1.1's "not authorised"; the others of MQTT 5 it sends as
		// they are.
		return h.refuse(cl, packets.ErrBadUsernameOrPassword, fmt.Errorf("will on %.80q, %s may have one only on %s", pk.Connect.WillTopic, device, s.status))
	}
	// A will passes neither ACL nor OnPublish; nobody may read it anyhow.
	cl.Properties.Will = mqtt.Will{}
	cl.State.Keepalive = min(max(cl.State.Keepalive, minKeepAlive), maxKeepAlive)
	if pk.Connect.Keepalive == 0 {
		cl.State.Keepalive = maxKeepAlive
	}
	// Client ids are global to the library: without the scope, another device with the same id would take this
	// session over. The name of a device that is let in holds no slash.
	cl.ID = device + "/" + cl.ID
	return nil
}

// refuse answers a CONNECT with a code and gives the reason to the log.
func (h *hook) refuse(cl *mqtt.Client, code packets.Code, why error) error {
	h.b.cfg.Log.Warn("connection refused", "remote", cl.Net.Remote, "why", why.Error())
	if err := h.b.server.SendConnack(cl, code, false, nil); err != nil {
		return err
	}
	return why
}

// OnPacketEncode answers a protocol level that nobody knows with 1 [MQTT-3.1.2-2]. The library, which does not ask
// before it refuses one, would say 0x82 of MQTT 5, and a mosquitto bridge, which tries level 0x84 first, would never
// try 4.
func (h *hook) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	if pk.FixedHeader.Type != packets.Connack || pk.ReasonCode != packets.ErrProtocolViolationProtocolVersion.Code || cl.Properties.ProtocolVersion == 5 {
		return pk
	}
	h.b.cfg.Log.Warn("connection refused", "remote", cl.Net.Remote, "why", fmt.Sprintf("protocol level %d, only MQTT 3.1.1 is spoken", cl.Properties.ProtocolVersion))
	pk.ReasonCode = packets.Err3UnsupportedProtocolVersion.Code
	return pk
}

// OnConnectAuthenticate lets in a device that knows its password.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	s, ok := cl.Net.Conn.(*session)
	if ok && s.device != "" && h.b.cfg.Authenticate(s.device, string(pk.Connect.Password)) {
		return true
	}
	h.b.cfg.Log.Warn("connection refused", "remote", cl.Net.Remote, "why", "wrong user name or password", "user", string(pk.Connect.Username))
	return false
}

// OnSessionEstablish books the session in. It comes before the CONNACK, so a client that has it is on the list.
func (h *hook) OnSessionEstablish(cl *mqtt.Client, _ packets.Packet) {
	if s, ok := cl.Net.Conn.(*session); ok {
		s.established()
	}
}

// OnACLCheck denies all but a device's own topics, and the script topics for writing.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	s, ok := cl.Net.Conn.(*session)
	if !ok {
		return false
	}
	allowed := topic == s.rejected || topic == s.config && h.b.cfg.Settings != nil
	if write {
		allowed = topic == s.samples || topic == s.status || slices.Contains(h.b.cfg.ScriptTopics, topic)
	}
	if !allowed && s.tellOnce() {
		h.b.cfg.Log.Warn("topic denied", "device", s.device, "topic", topic, "write", write, "own", s.samples)
	}
	return allowed
}

// OnPublish hands a publish on. Its return value decides what the library does: CodeSuccessIgnore acknowledges and
// forwards to nobody, ErrRejectPacket does neither. Any other error would acknowledge and forward.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	s, ok := cl.Net.Conn.(*session)
	if !ok {
		return pk, packets.ErrRejectPacket
	}
	if pk.TopicName == s.status {
		return pk, packets.CodeSuccessIgnore
	}
	if !s.enter() {
		return pk, packets.ErrRejectPacket
	}
	if pk.FixedHeader.Qos == 2 {
		return pk, h.handleNow(s, pk)
	}
	// The reader goes on; the PUBACK is written when done is called.
	qos, id := pk.FixedHeader.Qos, pk.PacketID
	h.b.cfg.Handle(s.device, pk.Payload, func(err error) {
		s.leave()
		switch {
		case err != nil:
			_ = s.Close() // unacknowledged: the client connects and sends again
		case qos == 1:
			s.puback(id)
		}
	})
	return pk, packets.ErrRejectPacket
}

// handleNow keeps the reader waiting for the outcome, since the library answers QoS 2 by itself when the hook returns.
func (h *hook) handleNow(s *session, pk packets.Packet) error {
	outcome := make(chan error, 1)
	h.b.cfg.Handle(s.device, pk.Payload, func(err error) { outcome <- err })
	select {
	case err := <-outcome:
		s.leave()
		if err == nil {
			return packets.CodeSuccessIgnore
		}
	case <-h.b.closed:
		s.leave()
	}
	_ = s.Close() // unacknowledged: the client connects and sends again
	return packets.ErrRejectPacket
}
