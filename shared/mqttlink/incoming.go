package mqttlink

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// maxIncoming is the largest packet that is read: the library would make room for as much as a length promises, 256 MB.
// AWS sends 128 KB at most.
const maxIncoming = 256 << 10

// incoming reads a connection packet by packet, and lets messages be heard in their order between the acknowledgements.
type incoming struct {
	from *bufio.Reader
	buf  []byte // the packet in hand
	rest []byte // of it, not yet read by the library

	came func(pong bool) // is told of each packet, before the library has it

	mu      sync.Mutex // guards heard
	heard   map[string]func(payload []byte)
	tooLong func(bytes int)
}

func newIncoming(conn net.Conn) *incoming {
	return &incoming{from: bufio.NewReader(conn), heard: map[string]func([]byte){}, tooLong: func(int) {}, came: func(bool) {}}
}

// Read is the connection's, from packet to packet.
func (in *incoming) Read(p []byte) (int, error) {
	for len(in.rest) == 0 {
		if err := in.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, in.rest)
	in.rest = in.rest[n:]
	return n, nil
}

const (
	typeConnect  = 1
	typePublish  = 3
	typePingreq  = 12
	typePingresp = 13
	qosBits      = 0b110
)

// next reads one packet and lets its message be heard. One of QoS 0 that is too long is passed over.
func (in *incoming) next() error {
	kind, err := in.from.ReadByte()
	if err != nil {
		return err
	}
	in.buf = append(in.buf[:0], kind)
	size, err := in.length()
	if err != nil {
		return err
	}
	if size > maxIncoming {
		if kind>>4 != typePublish || kind&qosBits != 0 {
			return fmt.Errorf("a packet of %d bytes, at most %d are read", size, maxIncoming)
		}
		in.tooLong(size)
		_, err := io.CopyN(io.Discard, in.from, int64(size))
		return err
	}
	head := len(in.buf)
	in.buf = append(in.buf, make([]byte, size)...)
	if _, err := io.ReadFull(in.from, in.buf[head:]); err != nil {
		return err
	}
	if kind>>4 == typePublish {
		in.hear(kind, in.buf[head:])
	}
	in.rest = in.buf
	in.came(kind>>4 == typePingresp)
	return nil
}

// length reads the length of what follows [MQTT-2.2.3], and keeps its bytes.
func (in *incoming) length() (size int, err error) {
	for shift := 0; shift < 28; shift += 7 {
		b, err := in.from.ReadByte()
		if err != nil {
			return 0, err
		}
		in.buf = append(in.buf, b)
		size |= int(b&0x7f) << shift
		if b < 0x80 {
			return size, nil
		}
	}
	return 0, errors.New("a packet's length is malformed")
}

// hear hands a message to who listens to its topic. What is malformed is left to the library.
func (in *incoming) hear(kind byte, body []byte) {
	if len(body) < 2 {
		return
	}
	end := 2 + int(binary.BigEndian.Uint16(body))
	payload := end
	if kind&qosBits != 0 {
		payload += 2 // the packet id
	}
	if len(body) < payload {
		return
	}
	in.mu.Lock()
	h := in.heard[string(body[2:end])]
	in.mu.Unlock()
	if h != nil {
		h(body[payload:])
	}
}

// listen has h called for the messages of a topic; nil ends that.
func (in *incoming) listen(topic string, h func(payload []byte)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if h == nil {
		delete(in.heard, topic)
		return
	}
	in.heard[topic] = h
}
