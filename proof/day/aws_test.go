package day_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"piway/shared/address"
)

// An aws stands in for IoT Core at the end of a pipe, since no network works in a bubble. It acknowledges each message
// after a trip, and looks at none.
type aws struct {
	t               testing.TB
	trip            time.Duration
	messages, bytes atomic.Int64
	work            sync.WaitGroup // until the gateway has gone
}

// dial is for the uplink.
func (a *aws) dial(context.Context, address.Address) (net.Conn, error) {
	ours, theirs := net.Pipe()
	answers := make(chan answer, 1024)
	a.work.Go(func() { a.answer(theirs, answers) })
	a.work.Go(func() {
		defer close(answers)
		if err := a.serve(bufio.NewReader(theirs), answers); err != nil {
			a.t.Errorf("AWS: %v", err)
		}
	})
	return ours, nil
}

// An answer is a packet and when it arrives.
type answer struct {
	due    time.Time
	packet []byte
}

func (a *aws) answer(to net.Conn, answers <-chan answer) {
	for one := range answers {
		time.Sleep(time.Until(one.due))
		_, _ = to.Write(one.packet) // the gateway may have gone
	}
	_ = to.Close() // it has
}

// Control packets of MQTT 3.1.1, with their flags.
const (
	connect    = 0x10
	connack    = 0x20
	publishQ1  = 0x32
	puback     = 0x40
	pingreq    = 0xc0
	pingresp   = 0xd0
	disconnect = 0xe0
)

// serve reads until the gateway leaves.
func (a *aws) serve(in *bufio.Reader, answers chan<- answer) error {
	for {
		kind, err := in.ReadByte()
		if err != nil {
			return nil // it left
		}
		size, err := binary.ReadUvarint(in) // as MQTT writes a length, too
		if err != nil {
			return err
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(in, body); err != nil {
			return err
		}
		one := answer{due: time.Now().Add(a.trip)}
		switch kind {
		case connect:
			one.packet = []byte{connack, 2, 0, 0}
		case publishQ1:
			id := body[2+binary.BigEndian.Uint16(body):]
			one.packet = []byte{puback, 2, id[0], id[1]}
			a.messages.Add(1)
			a.bytes.Add(int64(len(id) - 2))
		case pingreq:
			one.packet = []byte{pingresp, 0}
		case disconnect:
			return nil
		default:
			return fmt.Errorf("a packet of type %#x", kind)
		}
		answers <- one
	}
}
