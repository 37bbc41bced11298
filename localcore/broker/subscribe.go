package broker

import (
	"fmt"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"piway/localcore/sql"
)

// OnSubscribe closes the connection of who asks for what IoT Core does not grant; it does not answer with a refusal
// (aws-iot-device-sdk-js #125).
func (h *hook) OnSubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	if err := h.judgeSubscribe(cl, pk.Filters); err != nil {
		h.b.closed(cl, err)
		cl.Stop(err)
		pk.Filters = nil
	}
	bytes := 0
	for _, f := range pk.Filters {
		bytes += len(f.Filter)
	}
	if bytes > 0 {
		h.b.meter(bytes)
	}
	h.asking(cl, pk.Filters)
	return pk
}

// OnSubscribed comes behind it, in the same goroutine.
func (h *hook) OnSubscribed(cl *mqtt.Client, _ packets.Packet, _ []byte) { h.asking(cl, nil) }

// asking notes the filters for which mochi now asks OnACLCheck, and which are judged already.
func (h *hook) asking(cl *mqtt.Client, filters packets.Subscriptions) {
	s := h.b.session(cl.ID)
	if s == nil || s.cl != cl {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asking = nil
	for _, f := range filters {
		if s.asking == nil {
			s.asking = map[string]bool{}
		}
		s.asking[f.Filter] = true
	}
}

func (s *session) asks(filter string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asking[filter]
}

// OnACLCheck decides whether a client gets a message: a filter of its own selects the topic by IoT Core's rules, the
// policy lets it receive that, and its rate is not used up. mochi also asks it about publishes and about filters, which
// OnPublish and OnSubscribe judge.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	if write {
		return true
	}
	s := h.b.session(cl.ID)
	if s == nil || s.cl != cl {
		return true // away, with a session that is kept: mochi keeps the message for it
	}
	if s.asks(topic) {
		return true
	}
	return selects(cl, topic) && h.b.allowed("iot:Receive", "topic/"+topic, cl.ID, s.attributes...) && h.mayDeliver(s)
}

func (h *hook) judgeSubscribe(cl *mqtt.Client, filters packets.Subscriptions) error {
	if len(filters) > maxFilters {
		return fmt.Errorf("%d filters in a SUBSCRIBE, IoT Core takes %d", len(filters), maxFilters)
	}
	have := cl.State.Subscriptions.GetAll()
	for _, f := range filters {
		if err := checkFilter(f.Filter); err != nil {
			h.b.counts.add(func(c *Counts) { c.BadTopics++ })
			return err
		}
		if f.Qos > 1 {
			// IoT Core sends no SUBACK then (developer guide, MQTT), and the client waits for ever.
			return fmt.Errorf("filter %.60q: QoS 2 asked for", f.Filter)
		}
		if !h.b.allowed("iot:Subscribe", "topicfilter/"+f.Filter, cl.ID, attributes(cl)...) {
			return errDenied
		}
		have[f.Filter] = f
	}
	if len(have) > maxSubscription {
		return fmt.Errorf("%d subscriptions, IoT Core takes %d of a connection", len(have), maxSubscription)
	}
	return nil
}

// selects reports whether a filter of the client selects the topic.
func selects(cl *mqtt.Client, topic string) bool {
	for filter := range cl.State.Subscriptions.GetAll() {
		if sql.Matches(filter, topic) {
			return true
		}
	}
	return false
}

func (h *hook) mayDeliver(s *session) bool {
	ok, peak := s.take(h.b.opt.Now(), MaxPublishes)
	h.b.counts.add(func(c *Counts) {
		c.PeakPublishes = max(c.PeakPublishes, int64(peak))
		if ok {
			c.PublishesOut++
		} else {
			c.OutThrottled++
		}
	})
	return ok
}

// OnPacketSent meters a message to a subscriber.
func (h *hook) OnPacketSent(_ *mqtt.Client, pk packets.Packet, _ []byte) {
	if pk.FixedHeader.Type == packets.Publish {
		h.b.meter(len(pk.TopicName) + len(pk.Payload))
	}
}

// OnPacketProcessed meters a client's PUBACK.
func (h *hook) OnPacketProcessed(_ *mqtt.Client, pk packets.Packet, _ error) {
	if pk.FixedHeader.Type == packets.Puback {
		h.b.meter(0)
	}
}

func (b *Broker) meter(bytes int) {
	if b.opt.OnMetered != nil {
		b.opt.OnMetered(bytes)
	}
}
