package guard

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

// maxHello bounds a ClientHello with the heads of its records, in bytes, maxHandshake all that a client sends until the
// handshake ends: its hello, and its certificates with those above them.
const maxHello, maxHandshake = 16 << 10, 48 << 10

// Sizes and types of TLS [RFC 8446, 4 and 5.1].
const (
	recordHead    = 5 // type, version of two bytes, length of two bytes
	messageHead   = 4 // type, length of three bytes
	maxRecord     = 16 << 10
	typeHello     = 1
	typeHandshake = 0x16
)

// helloSize returns how many bytes of a stream hold the whole ClientHello that it begins with, 0 if that cannot be said
// yet. Of more it does not judge: crypto/tls does.
func helloSize(b []byte) (int, error) {
	switch {
	case len(b) == 0:
		return 0, nil
	case b[0] == typeConnect:
		return 0, firstError{"plain", "MQTT without TLS is spoken to a TLS port"}
	case b[0] != typeHandshake, len(b) > 1 && b[1] != 3:
		return 0, firstError{"protocol", fmt.Sprintf("not TLS: it begins with %q", b[:min(len(b), 8)])}
	}
	var message [messageHead]byte // of the hello
	got := 0                      // bytes of the hello in the records so far
	for at := 0; at+recordHead <= len(b); {
		length := int(binary.BigEndian.Uint16(b[at+3:]))
		if b[at] != typeHandshake || length == 0 || length > maxRecord {
			return 0, firstError{"protocol", "not TLS: its first records hold no greeting"}
		}
		body := b[at+recordHead : min(len(b), at+recordHead+length)]
		if got < messageHead {
			copy(message[got:], body)
		}
		if got+len(body) >= messageHead {
			if message[0] != typeHello {
				return 0, firstError{"protocol", "not TLS: its first message is no greeting"}
			}
			want := messageHead + int(message[1])<<16 + int(message[2])<<8 + int(message[3])
			if want > maxHello {
				return 0, errHello
			}
			if got+length >= want {
				return at + recordHead + length, within(at + recordHead + length)
			}
		}
		got += length
		at += recordHead + length
		if err := within(at); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

var errHello = firstError{"size", fmt.Sprintf("a TLS greeting of more than %d bytes", maxHello)}

func within(size int) error {
	if size > maxHello {
		return errHello
	}
	return nil
}

// helloRead is how much is read at first: a hello with a key share that quantum computers do not break is longer.
const helloRead = 1 << 10

// readHello reads until the ClientHello is whole, and returns it with what came behind it.
func readHello(from net.Conn) ([]byte, error) {
	buf, n := make([]byte, helloRead), 0
	for {
		m, readErr := from.Read(buf[n:])
		n += m
		switch size, err := helloSize(buf[:n]); {
		case err != nil:
			return nil, err
		case size > 0 && n >= size:
			return buf[:n], nil
		case readErr == io.EOF && n > 0:
			return nil, io.ErrUnexpectedEOF
		case readErr != nil:
			return nil, readErr
		}
		if n == len(buf) {
			buf = append(buf, make([]byte, len(buf))...) // bounded: more than maxHello is an error above, or is whole
		}
	}
}
