package broker

import (
	"errors"
	"io"
	"net"
	"testing"
)

// TestSession_puback_closesOnAClientThatDoesNotRead: what waits for such a client is bounded.
func TestSession_puback_closesOnAClientThatDoesNotRead(t *testing.T) {
	b := &Broker{cfg: Config{MaxPending: 1}}
	ours, theirs := net.Pipe() // without buffers: the first write waits for a reader
	s := newSession(b, ours)
	for id := range uint16(2*maxUnread/4 + 2) {
		s.puback(id)
	}
	b.acks.Wait() // hangs while a write still waits
	if _, err := theirs.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("reading from the closed session: got %v, want EOF", err)
	}
	if len(s.out) > maxUnread {
		t.Errorf("%d bytes wait, want at most %d", len(s.out), maxUnread)
	}
}
