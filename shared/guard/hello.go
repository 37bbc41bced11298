package guard

import (
	"encoding/binary"
	"errors"
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
	if err := beginsTLS(b); err != nil {
		return 0, err
	}
	var h hello
	for at := 0; at+recordHead <= len(b); {
		length := int(binary.BigEndian.Uint16(b[at+3:]))
		if b[at] != typeHandshake || length == 0 || length > maxRecord {
			return 0, firstError{"protocol", "not TLS: its first records hold no greeting"}
		}
		begin := at + recordHead
		at = begin + length
		whole, err := h.add(b[begin:min(len(b), at)], length)
		switch {
		case err != nil:
			return 0, err
		case at > maxHello:
			return 0, errHello
		case whole:
			return at, nil
		}
	}
	return 0, nil
}

// beginsTLS judges the first bytes.
func beginsTLS(b []byte) error {
	switch {
	case len(b) == 0:
		return nil
	case b[0] == typeConnect:
		return firstError{"plain", "MQTT without TLS is spoken to a TLS port"}
	case b[0] != typeHandshake, len(b) > 1 && b[1] != 3:
		return firstError{"protocol", fmt.Sprintf("not TLS: it begins with %q", b[:min(len(b), 8)])}
	}
	return nil
}

// hello is a ClientHello in the records so far.
type hello struct {
	head [messageHead]byte
	size int
}

// add follows a record of this length, of which this much has come. It reports whether the hello ends in it.
func (h *hello) add(body []byte, length int) (whole bool, err error) {
	if h.size < messageHead {
		copy(h.head[h.size:], body)
	}
	known := h.size+len(body) >= messageHead
	h.size += length
	switch {
	case !known:
		return false, nil
	case h.head[0] != typeHello:
		return false, firstError{"protocol", "not TLS: its first message is no greeting"}
	}
	want := messageHead + int(h.head[1])<<16 + int(h.head[2])<<8 + int(h.head[3])
	if want > maxHello {
		return false, errHello
	}
	return h.size >= want, nil
}

var errHello = firstError{"size", fmt.Sprintf("a TLS greeting of more than %d bytes", maxHello)}

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
		case errors.Is(readErr, io.EOF) && n > 0:
			return nil, io.ErrUnexpectedEOF
		case readErr != nil:
			return nil, readErr
		}
		if n == len(buf) {
			buf = append(buf, make([]byte, len(buf))...) // bounded: more than maxHello is an error above, or is whole
		}
	}
}
