package fakebroker

import (
	"encoding/binary"
	"io"
)

// readPacket reads one control packet: its first byte and all that follows the length.
func readPacket(r io.Reader) (kind byte, body []byte, err error) {
	var b [1]byte
	if _, err = io.ReadFull(r, b[:]); err != nil {
		return 0, nil, err
	}
	kind = b[0]
	size := 0
	for shift := 0; shift < 28; shift += 7 {
		if _, err = io.ReadFull(r, b[:]); err != nil {
			return 0, nil, err
		}
		size |= int(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			break
		}
	}
	body = make([]byte, size)
	_, err = io.ReadFull(r, body)
	return kind, body, err
}

// packet puts the first byte and the length in front of body.
func packet(kind byte, body []byte) []byte {
	out := []byte{kind}
	for n := len(body); ; n >>= 7 {
		if n < 0x80 {
			out = append(out, byte(n))
			break
		}
		out = append(out, byte(n)|0x80)
	}
	return append(out, body...)
}

func text(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) //nolint:gosec // tests use short topics
}

func cutText(b []byte) (s string, rest []byte) {
	n := 2 + int(binary.BigEndian.Uint16(b))
	return string(b[2:n]), b[n:]
}

// parseConnect trusts the client: it is a library under test, not an attacker.
func parseConnect(body []byte) Connect {
	_, b := cutText(body) // protocol name
	flags := b[1]
	c := Connect{Clean: flags&2 != 0, KeepAlive: binary.BigEndian.Uint16(b[2:])}
	c.ClientID, b = cutText(b[4:])
	if flags&4 != 0 {
		c.WillTopic, b = cutText(b)
		c.WillPayload, b = cutText(b)
	}
	if flags&0x80 != 0 {
		c.Username, b = cutText(b)
	}
	if flags&0x40 != 0 {
		c.Password, _ = cutText(b)
	}
	return c
}
