package broker

import (
	"errors"
	"fmt"
	"strings"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

var (
	errPayload = errors.New("payload larger than 128 KB")
	errWillQoS = errors.New("last will with QoS 2")
)

// hook is what IoT Core does otherwise than a plain broker.
type hook struct {
	mqtt.HookBase
	server  *mqtt.Server
	publish func(Publish)
}

func (*hook) ID() string { return "iotcore" }

func (*hook) Provides(b byte) bool {
	switch b {
	case mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnConnect, mqtt.OnPublish, mqtt.OnWill, mqtt.OnWillSent:
		return true
	}
	return false
}

// OnConnectAuthenticate allows: TLS has verified the client's certificate, the only credential there is.
func (*hook) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

// OnACLCheck allows everything: there is no policy.
func (*hook) OnACLCheck(*mqtt.Client, string, bool) bool { return true }

// OnConnect refuses what is not spoken here and keeps the keep-alive within IoT Core's limits.
func (h *hook) OnConnect(cl *mqtt.Client, _ packets.Packet) error {
	if v := cl.Properties.ProtocolVersion; v != 4 {
		// IoT Core speaks MQTT 5; mochi panics on a truncated SUBSCRIBE of it, so it is refused by the book.
		code := packets.ErrUnsupportedProtocolVersion
		if err := h.server.SendConnack(cl, code, false, nil); err != nil {
			return fmt.Errorf("refusing MQTT version %d: %w", v, err)
		}
		return code
	}
	if cl.Properties.Will.Qos > 1 {
		return errWillQoS // IoT Core closes the connection (bertmelis/espMqttClient #116)
	}
	keepAlive := cl.State.Keepalive
	if keepAlive == 0 {
		keepAlive = maxKeepAlive
	}
	cl.State.Keepalive = min(max(keepAlive, minKeepAlive), maxKeepAlive)
	return nil
}

// OnPublish hands the message on; the PUBACK follows when it returns. The error decides what mochi then does.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Qos > 1 {
		// IoT Core sends no acknowledgement of a QoS 2 publish (developer guide, mqtt) and ignores the message
		// (awslabs/aws-c-mqtt #120).
		return pk, packets.ErrRejectPacket
	}
	if len(pk.Payload) > maxPayload {
		cl.Stop(errPayload) // life-cycle event CLIENT_ERROR
		return pk, packets.ErrRejectPacket
	}
	h.hand(cl.ID, pk)
	if strings.HasPrefix(pk.TopicName, basicIngest) {
		return pk, packets.CodeSuccessIgnore // nobody can subscribe to Basic Ingest topics
	}
	pk.FixedHeader.Retain = false // this stand-in keeps no retained messages
	return pk, nil
}

// OnWill keeps a last will from being retained.
func (*hook) OnWill(_ *mqtt.Client, will mqtt.Will) (mqtt.Will, error) {
	will.Retain = false
	return will, nil
}

// OnWillSent hands on a last will, which mochi publishes past OnPublish.
func (h *hook) OnWillSent(cl *mqtt.Client, pk packets.Packet) { h.hand(cl.ID, pk) }

func (h *hook) hand(client string, pk packets.Packet) {
	h.publish(Publish{Topic: pk.TopicName, ClientID: client, Payload: pk.Payload, Time: time.Now()})
}
