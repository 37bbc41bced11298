package broker

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"piway/shared/guard"
	"piway/shared/tell"
)

// pipe is a listener with one client, to whom nothing can be written that it does not read.
type pipe struct {
	net.Listener
	conn chan net.Conn
}

func (p pipe) Accept() (net.Conn, error) {
	if c, ok := <-p.conn; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipe) Close() error { close(p.conn); return nil }

// TestSession_puback_closesOnAClientThatDoesNotRead: what waits for such a client is bounded.
func TestSession_puback_closesOnAClientThatDoesNotRead(t *testing.T) {
	var said strings.Builder
	b := &Broker{cfg: Config{MaxPending: 1}, log: tell.New(slog.New(slog.NewTextHandler(&said, nil)))}
	ours, theirs := net.Pipe()
	in := pipe{conn: make(chan net.Conn, 1)}
	in.conn <- ours
	l := guard.Wrap(in, guard.Options{MaxFirst: 10, Log: b.log})
	go func() { _, _ = theirs.Write([]byte{0x10, 0}) }() // read by the guard
	left := 0
	l.Serve(func(c *guard.Conn) error {
		s := newSession(b, c)
		for id := range uint16(2*maxUnread/4 + 2) {
			s.puback(id)
		}
		b.acks.Wait() // hangs while a write still waits
		left = len(s.out)
		return l.Close()
	})
	if _, err := theirs.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("reading from the closed session: got %v, want EOF", err)
	}
	if left > maxUnread {
		t.Errorf("%d bytes wait, want at most %d", left, maxUnread)
	}
	if n := strings.Count(said.String(), "does not read its acknowledgements"); n != 1 {
		t.Errorf("told %d times in\n%s", n, said.String())
	}
}

// TestSession_tellEnd: a keep-alive that lapsed is told, a client that left is not.
func TestSession_tellEnd(t *testing.T) {
	var said strings.Builder
	b := &Broker{log: tell.New(slog.New(slog.NewTextHandler(&said, nil)))}
	ours, theirs := net.Pipe()
	_ = theirs.Close()
	s := &session{Conn: &guard.Conn{Conn: ours}, b: b, device: "pi1", admitted: true}
	cut := fmt.Errorf("reading: %w", io.ErrUnexpectedEOF)
	for _, left := range []error{nil, io.EOF, net.ErrClosed, syscall.ECONNRESET, cut} {
		s.tellEnd(left)
	}
	if said.String() != "" {
		t.Errorf("told\n%s", said.String())
	}
	s.tellEnd(os.ErrDeadlineExceeded)
	const why = `why="nothing came for one and a half keep-alives"`
	if got := said.String(); !strings.Contains(got, "level=INFO") || !strings.Contains(got, why) {
		t.Errorf("told\n%s", got)
	}
}
