package broker

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"piway/shared/guard"
)

// A session is one connection. The library knows it as the client's net.Conn, so every hook finds it there.
type session struct {
	*guard.Conn

	b          *Broker
	client     *mqtt.Client // knows what it subscribed to
	device, id string       // set at CONNECT, before the password is judged; the id is the client's own
	secure     bool         // by TLS
	hasKey     bool         // and it holds the private key of this public one, by its SHA-256
	key        [32]byte
	admitted   bool // the key or the password is right; used by the connection's reader only
	// Used by the connection's reader only.
	in     *bufio.Reader
	left   int   // bytes of the packet in hand that the library is to read
	ending error // comes behind them
	// What the device may do, worked out once.
	samples, status, rejected, config string

	pending  chan struct{} // one token per publish that waits for its acknowledgement
	heard    atomic.Int64  // when something came last, since the broker began
	shutting atomic.Bool   // closed by this side, which has said why

	mu       sync.Mutex // guards the fields below
	out      []byte     // PUBACKs and notices, to be written
	notices  int        // bytes of it that are no PUBACKs
	flushing bool
	ended    bool
}

func newSession(b *Broker, c *guard.Conn) *session {
	s := &session{Conn: c, b: b, pending: make(chan struct{}, b.cfg.MaxPending)}
	s.in = bufio.NewReaderSize((*socket)(s), readSize)
	s.readKey()
	return s
}

// shut closes the connection, for a reason that is told elsewhere. False means that it was closed already, for another.
func (s *session) shut() bool {
	if err := s.Close(); err != nil {
		return false
	}
	s.shutting.Store(true)
	return true
}

// tellEnd tells why the connection ended, unless its client left or it was shut.
func (s *session) tellEnd(err error) {
	level, kind := slog.LevelWarn, "protocol"
	var large guard.TooLargeError
	switch {
	case err == nil, s.shutting.Load(), errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return
	case errors.Is(err, os.ErrDeadlineExceeded):
		level, kind, err = slog.LevelInfo, "silent", errors.New("nothing came for one and a half keep-alives")
	case errors.As(err, &large):
		kind, err = "large", fmt.Errorf("%w, broker.max_packet is %d", err, s.b.cfg.MaxPacket)
	default:
		err = fmt.Errorf("protocol error: %w", err)
	}
	s.tellClosed(level, kind, err)
}

// errUnread ends the connection of a client that would have to send again what it has no acknowledgement of.
var errUnread = errors.New("it sends and does not read its acknowledgements")

// tellClosed tells why, once for each device, or address of a stranger, and kind.
func (s *session) tellClosed(level slog.Level, kind string, why error) {
	args := []any{"remote", s.RemoteAddr(), "why", why}
	who := s.Host()
	if s.admitted {
		who, args = s.device, append(args, "device", s.device)
	}
	s.b.log.Tell(level, who+" "+kind, "connection closed", args...)
}

// identify makes the session a device's, with the topics of a name. From here on Disconnect finds it: a device that is
// removed while it is being judged must not stay.
func (s *session) identify(device, name string, client *mqtt.Client) {
	s.device, s.id, s.client = device, client.ID, client
	s.samples, s.status = s.b.topic(name, "samples"), s.b.topic(name, "status")
	s.rejected, s.config = s.b.topic(name, "rejected"), s.b.topic(name, "config")
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	if s.b.sessions[device] == nil {
		s.b.sessions[device] = map[*session]bool{}
	}
	s.b.sessions[device][s] = false
}

// mayWrite reports whether the device may publish to a topic.
func (s *session) mayWrite(topic string) bool {
	return topic == s.samples || topic == s.status || slices.Contains(s.b.cfg.ScriptTopics, topic)
}

// mayReport reports whether what is published to a topic is samples of the device.
func (s *session) mayReport(topic string) bool { return topic != s.status && s.mayWrite(topic) }

// end takes it off the list. No flush starts afterwards, so Run can wait for those under way.
func (s *session) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	if s.admitted {
		s.b.keep(s)
	}
	delete(s.b.sessions[s.device], s)
	if len(s.b.sessions[s.device]) == 0 {
		delete(s.b.sessions, s.device)
	}
}

// enter waits for room for one more publish under way, of n bytes; false means that the broker closes.
func (s *session) enter(n int) bool {
	select {
	case s.pending <- struct{}{}:
	default:
		s.keepAlive()
		select {
		case s.pending <- struct{}{}:
		case <-s.b.closed:
			return false
		}
	}
	if !s.b.flight.enter(s.device, n, s.keepAlive) {
		<-s.pending
		return false
	}
	return true
}

func (s *session) leave(n int) {
	s.b.flight.leave(s.device, n)
	<-s.pending
}

// keepAlive lifts the deadline that the library sets when it reads: while the reader waits for room the client may be
// as alive as ever, and its PUBACKs are written. The next read sets it again.
func (s *session) keepAlive() { _ = s.SetDeadline(time.Time{}) } // fails only on a connection that is closed

// maxUnread bounds the bytes that wait for a client to read when a PUBACK is to be written, beyond what the sockets
// hold.
const maxUnread = 16 << 10

// puback acknowledges a publish of QoS 1, in the order of the calls. It does not block: one goroutine at a time writes
// what has gathered, so a client that does not read costs only itself.
//
// It writes the four bytes itself. Each Write of a net.Conn is whole, so they cannot land inside a packet that the
// library writes, and its own way through encoder, hooks and buffers costs as much as all the rest of a publish.
func (s *session) puback(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if len(s.out) >= maxUnread+s.notices { // it sends and does not read; what it gets no PUBACK for it has to send again
		if s.shut() {
			s.tellClosed(slog.LevelWarn, "unread", errUnread)
		}
		return
	}
	s.out = append(s.out, packets.Puback<<4, 2, byte(id>>8), byte(id)) //nolint:gosec // both halves of it, [MQTT-3.4.2]
	s.startFlush()
}

// startFlush has what waits written. s.mu is held.
func (s *session) startFlush() {
	if !s.flushing {
		s.flushing = true
		s.b.acks.Go(s.flush)
	}
}

// flush writes what waits until there is nothing. The library keeps a deadline of 1.5 keep-alives on the
// connection, which bounds a write too.
func (s *session) flush() {
	for {
		s.mu.Lock()
		buf := s.out
		s.out, s.notices = nil, 0
		if len(buf) == 0 {
			s.flushing = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		if _, err := s.Write(buf); err != nil {
			_ = s.Close() // its reader sees the error; what is not acknowledged comes again
		}
	}
}
