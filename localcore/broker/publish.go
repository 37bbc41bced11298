package broker

import (
	"errors"
	"log/slog"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

var errPayload = errors.New("payload larger than 128 KB")

// noTopic is in the place of one to which a publish is acknowledged and handed to nobody. None from the wire has this
// character [MQTT-1.5.3-2].
const noTopic = "\x00"

// OnPacketRead closes the connection of who publishes to a topic that IoT Core does not take. But what mochi itself
// would not answer, or end, is acknowledged: a mosquitto bridge at its defaults tells its state below $SYS.
func (h *hook) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Type != packets.Publish || pk.TopicName == "" {
		return pk, nil
	}
	err := checkTopic(pk.TopicName)
	if err == nil {
		return pk, nil
	}
	h.b.counts.add(func(c *Counts) { c.BadTopics++ })
	if errors.Is(err, errNoTopic) {
		h.b.log.Tell(slog.LevelWarn, cl.ID, "publish acknowledged and dropped", "client_id", cl.ID, "err", err)
		pk.TopicName = noTopic
		return pk, nil
	}
	h.b.closed(cl, err)
	cl.Stop(err)
	return pk, packets.ErrRejectPacket // the only error that mochi minds here
}

// OnPublish hands the message on if the quotas and the policy allow it; the PUBACK follows when it returns nil. Any
// error but two would acknowledge what it refuses: ErrRejectPacket sends nothing, CodeSuccessIgnore acknowledges and
// forwards to nobody.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline {
		return pk, nil // of the rules engine
	}
	s := h.b.session(cl.ID)
	if s == nil || s.cl != cl {
		return pk, packets.ErrRejectPacket // it was taken over just now
	}
	if !h.accept(s, pk) {
		return pk, packets.ErrRejectPacket
	}
	if pk.TopicName == noTopic {
		return pk, packets.CodeSuccessIgnore
	}
	if pk.FixedHeader.Qos == 0 {
		h.hand(cl.ID, pk)
		return forward(pk)
	}
	return h.acknowledge(s, pk)
}

// acknowledge hands a QoS 1 publish on, and has its PUBACK written: now, later or never.
func (h *hook) acknowledge(s *session, pk packets.Packet) (packets.Packet, error) {
	n, ok := s.begin()
	if !ok {
		h.b.counts.add(func(c *Counts) { c.Unacked++ })
		return pk, packets.ErrRejectPacket
	}
	h.b.counts.add(func(c *Counts) { c.PeakUnacked = max(c.PeakUnacked, int64(n)) })
	h.hand(s.cl.ID, pk)
	switch f := h.b.Faults(); {
	case f.WithholdPubacks:
		h.b.counts.add(func(c *Counts) { c.Withheld++ })
	case f.PubackDelay > 0:
		h.b.acknowledgeLater(s, pk.PacketID, f.PubackDelay)
	default:
		s.end()
		return forward(pk)
	}
	if !isBasicIngest(pk.TopicName) {
		_ = h.b.Publish(pk.TopicName, 1, pk.Payload) // mochi forwards only what it acknowledges
	}
	return pk, packets.ErrRejectPacket
}

// accept reports whether a publish gets past the quotas and the policy. One that the policy denies, or that is too
// large, ends the connection.
func (h *hook) accept(s *session, pk packets.Packet) bool {
	limit := MaxPublishes
	if n := h.b.Faults().PublishesPerSecond; n > 0 {
		limit = n
	}
	ok, peak := s.take(h.b.opt.Now(), limit)
	h.b.counts.add(func(c *Counts) {
		c.PeakPublishes = max(c.PeakPublishes, int64(peak))
		if !ok {
			c.Throttled++
		}
	})
	switch {
	case !ok:
		return false
	case pk.FixedHeader.Qos > 1:
		// IoT Core sends no acknowledgement of a QoS 2 publish (developer guide, MQTT) and ignores the message
		// (awslabs/aws-c-mqtt #120).
		h.b.counts.add(func(c *Counts) { c.QoS2++ })
		return false
	case len(pk.Payload) > maxPayload:
		h.b.counts.add(func(c *Counts) { c.Oversize++ })
		h.b.closed(s.cl, errPayload)
		s.cl.Stop(errPayload) // life-cycle event CLIENT_ERROR
		return false
	case !h.mayPublish(s, pk):
		s.cl.Stop(errDenied) // MQTT 3.1.1: the connection is closed (aws-crt-python #229)
		return false
	}
	return true
}

func (h *hook) mayPublish(s *session, pk packets.Packet) bool {
	if pk.TopicName == noTopic {
		return true // it goes nowhere
	}
	if pk.FixedHeader.Retain {
		// Not on reserved topics, and only with a right of its own (developer guide, MQTT: retained messages).
		if isBasicIngest(pk.TopicName) || !h.b.allowed("iot:RetainPublish", "topic/"+pk.TopicName, s.cl.ID, s.attributes...) {
			return false
		}
	}
	return h.b.allowed("iot:Publish", "topic/"+pk.TopicName, s.cl.ID, s.attributes...)
}

// forward lets mochi acknowledge a message and hand it to subscribers. This stand-in keeps no retained messages.
func forward(pk packets.Packet) (packets.Packet, error) {
	if isBasicIngest(pk.TopicName) {
		return pk, packets.CodeSuccessIgnore
	}
	pk.FixedHeader.Retain = false
	return pk, nil
}

// acknowledgeLater writes a PUBACK when the delay is over, and holds up nobody meanwhile.
func (b *Broker) acknowledgeLater(s *session, id uint16, delay time.Duration) {
	b.late.Go(func() {
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-b.done:
			return
		}
		s.end()
		// perhaps gone
		_ = s.cl.WritePacket(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Puback}, PacketID: id})
	})
}
