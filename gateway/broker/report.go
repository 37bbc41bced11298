package broker

import (
	"encoding/binary"
	"io"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// A report is a publish of QoS 1, not retained, to a topic that the device may write to and that is not its status. The
// session takes it before the library sees it: that would hold each packet twice, and need a stack of 32 KiB for each
// connection where 16 are enough.

const (
	// readSize is how much is read at once: a report of a few samples.
	readSize = 1 << 10
	// libraryReadSize of the library's own buffer, behind the session's.
	libraryReadSize = 16
	// reportHead begins a report, reportDup one that is sent again [MQTT-3.3.1].
	reportHead, reportDup = packets.Publish<<4 | 1<<1, packets.Publish<<4 | 1<<3 | 1<<1
)

// A socket is a session, as its buffer reads it.
type socket session

// Read notes that the client lives.
func (s *socket) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	s.heard.Store(int64(time.Since(s.b.begun)))
	return n, err
}

// Read takes the reports and returns all else, packet by packet: so the library has judged what came before a report.
func (s *session) Read(p []byte) (int, error) {
	for s.left == 0 {
		if s.ending != nil {
			return 0, s.ending
		}
		head, size, err := s.nextPacket()
		if err != nil { // perhaps in the midst of one
			s.left, s.ending = s.in.Buffered(), err
			continue
		}
		if !s.isReport(head, size) {
			s.left = head + size
			break
		}
		if err := s.takeReport(head, size); err != nil {
			return 0, err
		}
	}
	n, err := s.in.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}

// nextPacket waits for a packet and returns the lengths of its fixed header and of the rest [MQTT-2.2.3]. What is
// malformed the guard has cut off.
func (s *session) nextPacket() (head, size int, err error) {
	for n := 2; ; n++ {
		p, err := s.in.Peek(n)
		if err != nil {
			return 0, 0, err
		}
		if length, k := binary.Uvarint(p[1:]); k > 0 {
			return n, int(length), nil //nolint:gosec // the guard has bounded it
		}
	}
}

// isReport looks at the packet that comes next. Of one that the library would refuse it says no.
func (s *session) isReport(head, size int) bool {
	p, err := s.in.Peek(min(head+size, head+2))
	if err != nil || len(p) < head+2 || p[0] != reportHead && p[0] != reportDup || !s.admitted {
		return false
	}
	topic := int(binary.BigEndian.Uint16(p[head:]))
	whole := 2 + topic + 2
	if whole > size || head+whole > s.in.Size() {
		return false
	}
	if p, err = s.in.Peek(head + whole); err != nil {
		return false
	}
	p = p[head+2:]
	id := binary.BigEndian.Uint16(p[topic:])
	return id != 0 && s.mayReport(string(p[:topic]))
}

// takeReport reads a report and hands it on.
func (s *session) takeReport(head, size int) error {
	_, _ = s.in.Discard(head) // it is there
	p := make([]byte, size)
	if _, err := io.ReadFull(s.in, p); err != nil {
		return err
	}
	p = p[2+binary.BigEndian.Uint16(p):]
	s.take(1, binary.BigEndian.Uint16(p), p[2:])
	// As the library does before each packet [MQTT-3.1.2-24].
	_ = s.SetDeadline(time.Now().Add(time.Duration(s.client.State.Keepalive) * time.Second * 3 / 2))
	return nil
}

// take hands a publish of QoS 0 or 1 on. The reader goes on; the PUBACK is written when done is called.
func (s *session) take(qos byte, id uint16, payload []byte) {
	size := len(payload)
	if !s.enter(size) {
		return
	}
	handled := false
	defer func() {
		if !handled { // it panicked, which ends this connection and must cost no other its room
			s.leave(size)
		}
	}()
	s.b.cfg.Handle(s.device, payload, func(err error) {
		s.leave(size)
		switch {
		case err != nil:
			s.shut() // unacknowledged: the client connects and sends again
		case qos == 1:
			s.puback(id)
		}
	})
	handled = true
}
