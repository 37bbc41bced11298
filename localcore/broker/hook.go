package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"piway/shared/guard"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Reasons for closing a connection.
var (
	errWillQoS = errors.New("last will with QoS 2")
	errTooSoon = errors.New("more than one CONNECT of this client id in a second")
	errDenied  = errors.New("not allowed by the policy")
	errRefused = errors.New("connects are refused by a fault")
)

// hook is what IoT Core does otherwise than a plain broker.
type hook struct {
	mqtt.HookBase
	b *Broker
}

func (*hook) ID() string { return "iotcore" }

func (*hook) Provides(b byte) bool {
	switch b {
	case mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnConnect, mqtt.OnSessionEstablish, mqtt.OnPacketRead,
		mqtt.OnPacketEncode, mqtt.OnPacketSent, mqtt.OnPacketProcessed, mqtt.OnPublish, mqtt.OnSubscribe,
		mqtt.OnSubscribed, mqtt.OnWill, mqtt.OnWillSent:
		return true
	}
	return false
}

// OnConnectAuthenticate allows: TLS has verified the client's certificate, the only credential there is.
func (*hook) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

// OnConnect refuses what IoT Core refuses and keeps the keep-alive within its limits.
func (h *hook) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	code, err := h.judge(cl, pk)
	if err != nil {
		h.b.counts.add(func(c *Counts) {
			if errors.Is(err, errTooSoon) {
				c.TooSoon++
			} else {
				c.Refused++
			}
		})
		h.b.log.Tell(slog.LevelWarn, cl.ID, "connect refused", "client_id", cl.ID, "remote", cl.Net.Remote, "err", err)
		if code != packets.CodeSuccess {
			_ = h.b.server.SendConnack(cl, code, false, nil) // the connection is closed either way
		}
		return err
	}
	cl.State.Keepalive = clampKeepAlive(cl.State.Keepalive)
	return nil
}

// OnPacketEncode keeps from the wire what MQTT 3.1.1 does not have: mochi's DISCONNECT, and the codes of MQTT 5 with
// which it refuses a CONNECT before it asks. A level that nobody knows is answered with 1 [MQTT-3.1.2-2]: a mosquitto
// bridge, which tries 0x84 first, would never try 4. What MQTT 3.1.1 does not allow is not answered [MQTT-3.1.4-1].
func (h *hook) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	code := pk.FixedHeader.Type == packets.Connack && pk.ReasonCode > 5 && cl.Properties.ProtocolVersion != 5
	if code {
		h.b.counts.add(func(c *Counts) { c.Refused++ })
		pk.ReasonCode = packets.Err3UnsupportedProtocolVersion.Code
	}
	if (pk.FixedHeader.Type == packets.Disconnect || code && cl.Properties.ProtocolVersion == 4) && cl.Net.Conn != nil {
		_ = cl.Net.Conn.Close() // as mochi does next
	}
	return pk
}

// clampKeepAlive puts a keep-alive in seconds within IoT Core's limits.
func clampKeepAlive(k uint16) uint16 {
	if k == 0 {
		return maxKeepAlive
	}
	return min(max(k, minKeepAlive), maxKeepAlive)
}

// judge returns why a client is refused, and the code to say so with; success means to close without a word.
func (h *hook) judge(cl *mqtt.Client, pk packets.Packet) (packets.Code, error) {
	if v := cl.Properties.ProtocolVersion; v != 4 {
		// IoT Core speaks MQTT 5; mochi panics on a truncated SUBSCRIBE of it, so it is refused by the book.
		return packets.ErrUnsupportedProtocolVersion, fmt.Errorf("MQTT version %d is not spoken here", v)
	}
	if err := checkClientID(pk.Connect.ClientIdentifier); err != nil {
		return packets.ErrClientIdentifierNotValid, err
	}
	if cl.Properties.Will.Qos > 1 {
		return packets.CodeSuccess, errWillQoS // IoT Core closes the connection (bertmelis/espMqttClient #116)
	}
	if h.b.Faults().RefuseConnects {
		return packets.ErrServerUnavailable, errRefused
	}
	if !h.b.mayConnect(cl.ID) {
		return packets.CodeSuccess, errTooSoon
	}
	if !h.b.allowed("iot:Connect", "client/"+cl.ID, cl.ID, attributes(cl)...) {
		return packets.CodeSuccess, errDenied
	}
	return packets.CodeSuccess, nil
}

// attributes are a connection's, as the condition key iot:ConnectAttributes has them.
func attributes(cl *mqtt.Client) (all []string) {
	if !cl.Properties.Clean {
		all = append(all, "PersistentConnect")
	}
	if cl.Properties.Will.TopicName != "" {
		all = append(all, "LastWill")
	}
	return all
}

// mayConnect counts a CONNECT of a client id, of which there may be one a second.
func (b *Broker) mayConnect(id string) bool {
	now := b.opt.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if last, ok := b.dialled[id]; ok && now.Sub(last) < connectEvery {
		return false
	}
	if len(b.dialled) > maxConns {
		for other, last := range b.dialled {
			if now.Sub(last) >= connectEvery {
				delete(b.dialled, other)
			}
		}
	}
	b.dialled[id] = now
	return true
}

// OnSessionEstablish books a connection in, before its CONNACK.
func (h *hook) OnSessionEstablish(cl *mqtt.Client, pk packets.Packet) {
	conn, ok := cl.Net.Conn.(*guard.Conn)
	if !ok {
		return
	}
	if err := conn.Admit(); err != nil {
		cl.Stop(err) // told by left
		return
	}
	s := &session{cl: cl, since: h.b.opt.Now(), attributes: attributes(cl), gone: make(chan struct{})}
	h.b.mu.Lock()
	old := h.b.sessions[cl.ID]
	h.b.sessions[cl.ID], h.b.conns[conn] = s, s
	h.b.mu.Unlock()
	h.b.counts.add(func(c *Counts) {
		c.Connects++
		if old != nil {
			c.Takeovers++
		}
	})
	if old != nil {
		h.b.log.Tell(slog.LevelInfo, cl.ID+" takeover", "connection closed", "client_id", cl.ID, "remote", old.cl.Net.Remote,
			"why", "another one has its client id", "by", cl.Net.Remote)
		old.cl.Stop(packets.ErrSessionTakenOver)
		select {
		case <-old.gone: // else it may take this one from mochi's list of clients when it ends
		case <-time.After(takeoverWait):
		}
	}
	if h.b.opt.OnConnect != nil {
		h.b.opt.OnConnect(pk.FixedHeader.Remaining + 2)
	}
}

// left books a connection out, whose client id may have been taken over already, and tells why it ended unless its
// client left or that is told.
func (b *Broker) left(conn net.Conn, why error) {
	b.mu.Lock()
	s := b.conns[conn]
	delete(b.conns, conn)
	if s != nil && b.sessions[s.cl.ID] == s {
		delete(b.sessions, s.cl.ID)
	}
	b.mu.Unlock()
	if s == nil {
		return
	}
	close(s.gone)
	if b.opt.OnDisconnect != nil {
		b.opt.OnDisconnect()
	}
	if cause := s.cl.StopCause(); cause != nil {
		why = cause
	}
	if wrong(why) {
		b.closed(s.cl, why)
	}
}

// wrong reports whether a connection ended for what its client did, and not because it left or another took over.
func wrong(why error) bool {
	if code, ok := errors.AsType[packets.Code](why); ok {
		return code.Code >= packets.ErrUnspecifiedError.Code && code != packets.ErrSessionTakenOver
	}
	_, large := errors.AsType[guard.TooLargeError](why)
	return large
}

// closed tells why a connection is closed.
func (b *Broker) closed(cl *mqtt.Client, why error) {
	b.log.Tell(slog.LevelWarn, cl.ID, "connection closed", "client_id", cl.ID, "remote", cl.Net.Remote, "why", why)
}

// OnWill keeps a last will from being retained, and drops one that the policy does not allow.
func (h *hook) OnWill(cl *mqtt.Client, will mqtt.Will) (mqtt.Will, error) {
	will.Retain = false
	if checkTopic(will.TopicName) != nil || !h.b.allowed("iot:Publish", "topic/"+will.TopicName, cl.ID,
		attributes(cl)...) {
		will.TopicName = ""
	}
	return will, nil
}

// OnWillSent hands on a last will, which mochi publishes past OnPublish.
func (h *hook) OnWillSent(cl *mqtt.Client, pk packets.Packet) {
	if pk.TopicName != "" {
		h.hand(cl.ID, pk)
	}
}

// hand gives a message to the rules engine.
func (h *hook) hand(client string, pk packets.Packet) {
	h.b.counts.add(func(c *Counts) { c.PublishesIn++ })
	if pk.FixedHeader.Retain {
		h.b.meter(len(pk.TopicName) + len(pk.Payload))
	}
	h.b.opt.OnPublish(Publish{Topic: pk.TopicName, ClientID: client, Payload: pk.Payload, Time: h.b.opt.Now()})
}

// isBasicIngest reports whether nobody can subscribe to the topic.
func isBasicIngest(topic string) bool { return strings.HasPrefix(topic, basicIngest) }

// allowed asks the policy.
func (b *Broker) allowed(action, resource, client string, attributes ...string) bool {
	if b.opt.Authorize == nil {
		return true
	}
	err := b.opt.Authorize(Request{action, resource, client, attributes})
	if err == nil {
		return true
	}
	b.counts.add(func(c *Counts) { c.Denied++ })
	b.log.Tell(slog.LevelWarn, client+" "+action+" "+resource, "policy denies",
		"action", action, "resource", resource, "client_id", client, "why", err)
	return false
}
