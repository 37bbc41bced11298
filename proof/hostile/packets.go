package main

import (
	"encoding/binary"
	"slices"
)

// Types of packets, in the upper half of the first byte [MQTT-2.2.1].
const (
	connectType     = 0x10
	publishType     = 0x30
	subscribeType   = 0x82
	unsubscribeType = 0xa2
	disconnectType  = 0xe0
)

// Levels of the protocol.
const (
	level311 = 4
	level5   = 5
)

// packet is one of this first byte: its body behind the length.
func packet(first byte, body ...[]byte) []byte {
	all := slices.Concat(body...)
	return append(binary.AppendUvarint([]byte{first}, uint64(len(all))), all...)
}

// field is a text behind its length.
func field(text string) []byte {
	return append(number(len(text)), text...)
}

func number(n int) []byte { return []byte{byte(n >> 8), byte(n)} } //nolint:gosec // both halves, on purpose

// A login is what a CONNECT says.
type login struct {
	level          byte // 0 for 3.1.1
	id             string
	user, password string // not sent if empty
	willTopic      string // no will if empty
	will           string
}

func (l login) packet() []byte {
	level := max(l.level, level311)
	var properties []byte
	if level == level311+1 {
		properties = []byte{0} // none
	}
	flags, fields := byte(0x02), [][]byte{field(l.id)} // a clean session
	if l.willTopic != "" {
		flags |= 0x0c // at QoS 1
		fields = append(fields, properties, field(l.willTopic), field(l.will))
	}
	if l.user != "" {
		flags |= 0x80
		fields = append(fields, field(l.user))
	}
	if l.password != "" {
		flags |= 0x40
		fields = append(fields, field(l.password))
	}
	head := slices.Concat(field("MQTT"), []byte{level, flags}, number(60), properties)
	return packet(connectType, head, slices.Concat(fields...))
}

// publish is a message at a QoS. The lowest bit of its first byte would ask to retain it.
func publish(topic string, qos byte, id int, payload string) []byte {
	var number2 []byte
	if qos > 0 {
		number2 = number(id)
	}
	return packet(publishType|qos<<1, field(topic), number2, []byte(payload))
}

// ask is a SUBSCRIBE or an UNSUBSCRIBE of filters.
func ask(kind byte, id int, filters ...string) []byte {
	body := number(id)
	for _, f := range filters {
		body = append(body, field(f)...)
		if kind == subscribeType {
			body = append(body, 1)
		}
	}
	return packet(kind, body)
}
