package guard

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"piway/shared/tell"
)

// A Conn is one connection through the guard. It reads whole what came of it, packet by packet within the bounds.
type Conn struct {
	net.Conn // what is read and written: TLS's where TLS is spoken

	l    *Listener
	door *Door
	raw  net.Conn // the socket
	host netip.Addr
	net  netip.Prefix

	first  []byte // of what came with the first packet, not yet read by the handler
	frames frames
	serve  func()      // of another protocol, nil for MQTT
	letIn  atomic.Bool // as state says, for who writes

	// Guarded by l.mu.
	state state
	shake shake
	busy  bool      // it waits for us, and not for its client
	since time.Time // of the last step
}

// state is how far a connection has come.
type state int

const (
	silent   state = iota // has not sent its whole first packet
	judged                // has, and is not admitted yet
	admitted              // by the handler
	gone                  // closed, or about to be
)

// shake is how far a TLS handshake has come. Only steps are progress: a client that drips bytes makes none.
type shake int

const (
	unshaken shake = iota // has not sent its whole ClientHello; without TLS it stays so
	shaking
	shaken
)

func newConn(d *Door, raw net.Conn) *Conn {
	l := d.l
	c := &Conn{Conn: raw, l: l, door: d, raw: raw, frames: frames{max: l.opt.MaxPacket}, since: time.Now()}
	if a, err := netip.ParseAddrPort(raw.RemoteAddr().String()); err == nil {
		c.host = a.Addr().Unmap().WithZone("")
	}
	c.net = netOf(c.host)
	return c
}

// netOf is what one machine has to itself.
func netOf(host netip.Addr) netip.Prefix {
	bits := 32
	if host.Is6() {
		bits = 64
	}
	net, _ := host.Prefix(bits) // none of an address that is not one
	return net
}

// Host is the address of the other side, without its port.
func (c *Conn) Host() string { return c.host.String() }

// Admit takes the connection out of those that wait. The error says which bound it would exceed, or that it is closed.
func (c *Conn) Admit() error {
	l := c.l
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case c.state != judged:
		return net.ErrClosed
	case l.admitted >= l.opt.MaxConns:
		return fmt.Errorf("%d connections are open, the most allowed", l.admitted)
	case l.opt.MaxPerHost > 0 && l.hosts[c.host] >= l.opt.MaxPerHost:
		return fmt.Errorf("%d connections are open from %s, the most allowed from one address", l.hosts[c.host], c.host)
	}
	l.unwait(c)
	c.state = admitted
	c.letIn.Store(true)
	l.admitted++
	l.hosts[c.host]++
	l.know(c.host)
	return nil
}

// TLS is the connection's TLS, nil without.
func (c *Conn) TLS() *tls.Conn {
	t, _ := c.Conn.(*tls.Conn)
	return t
}

// Close closes the connection and frees its place at once. TLS's own word of farewell is left out: it would wait for
// seconds on a client that does not read.
func (c *Conn) Close() error {
	c.l.mu.Lock()
	c.l.leave(c)
	c.l.mu.Unlock()
	return c.raw.Close()
}

// step notes how far a handshake is, and whether the client is waited for.
func (c *Conn) step(to shake, busy bool) error {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if c.state == gone {
		return net.ErrClosed
	}
	if c.busy = busy; to != c.shake {
		c.shake, c.since = to, time.Now()
	}
	return nil
}

// Read reads what the client sends, up to where a packet begins that is larger than MaxPacket: then TooLargeError.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := 0, error(nil)
	if len(c.first) > 0 {
		n = copy(p, c.first)
		if c.first = c.first[n:]; len(c.first) == 0 {
			c.first = nil
		}
	} else if n, err = c.Conn.Read(p); n == 0 {
		return 0, err
	}
	if n, large := c.frames.follow(p[:n]); large != nil {
		return n, large
	}
	return n, err
}

// firstRead is how much is read at first: a CONNECT is rarely longer.
const firstRead = 256

// hearFirst shakes hands where TLS is spoken, and reads until the first packet is whole.
func (c *Conn) hearFirst() (err error) {
	if c.door.opt.TLS != nil {
		if err := c.shakeHands(); err != nil {
			return err
		}
		if t := c.TLS(); len(c.door.opt.Protocols) > 0 {
			if serve := c.door.opt.Protocols[t.ConnectionState().NegotiatedProtocol]; serve != nil {
				c.serve = func() { serve(t, func() { _ = c.judge() }) } // who is gone finds that out
				return nil
			}
		}
	}
	if c.first, err = readFirst(c.Conn, c.l.opt.MaxFirst); err != nil {
		return err
	}
	return c.judge()
}

// judge notes that the client has sent what it had to: from now on it waits for us, and makes no room.
func (c *Conn) judge() error {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if c.state != silent {
		return net.ErrClosed
	}
	c.state = judged
	return nil
}

// readFirst reads until a packet is whole, and returns it with what came behind it.
func readFirst(from io.Reader, limit int) ([]byte, error) {
	buf, n, size := make([]byte, firstRead), 0, 0
	for size == 0 || n < size {
		m, readErr := from.Read(buf[n:])
		n += m
		var err error
		if size, err = firstSize(buf[:n], limit); err != nil {
			return nil, err
		}
		if readErr != nil && (size == 0 || n < size) {
			return nil, readErr
		}
		buf = append(buf, make([]byte, max(0, size-len(buf)))...)
	}
	return buf[:n], nil
}

// typeConnect begins a CONNECT packet [MQTT-2.2.1].
const typeConnect = 0x10

// firstSize returns the whole size of a first packet that begins so, 0 if that cannot be said yet.
func firstSize(b []byte, limit int) (int, error) {
	switch {
	case len(b) == 0:
		return 0, nil
	case b[0] == typeHandshake:
		return 0, firstError{"TLS", "TLS is spoken to a plain port"}
	case b[0] != typeConnect:
		return 0, firstError{"protocol", fmt.Sprintf("not MQTT, or no CONNECT: it begins with %q", b[:min(len(b), 8)])}
	}
	length, n := binary.Uvarint(b[1:min(len(b), 1+maxLength)])
	switch {
	case n == 0 && len(b) <= maxLength:
		return 0, nil
	case n <= 0:
		return 0, errMalformed
	}
	if size := 1 + n + int(length); size > limit { //nolint:gosec // of four bytes
		return 0, firstError{"size", fmt.Sprintf("a CONNECT of %d bytes, %d are allowed", size, limit)}
	}
	return 1 + n + int(length), nil //nolint:gosec // of four bytes
}

// A firstError is why a first packet is none, and of which kind that is.
type firstError struct{ kind, text string }

func (e firstError) Error() string { return e.text }

// tellEnd tells why a connection ended that did not get as far as the handler, unless the client just left: once for
// each address and kind.
func (c *Conn) tellEnd(err error) {
	var first firstError
	var refusal *Refusal
	switch {
	case c.door.isClosed(), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return
	case errors.As(err, &refusal):
		args := append([]any{"remote", c.RemoteAddr(), "why", refusal.Why}, refusal.Args...)
		c.l.opt.Log.Tell(slog.LevelWarn, refusal.Subject, "connection refused", args...)
		return
	case errors.Is(err, net.ErrClosed):
		first.kind, err = "room", errors.New("it had not sent its whole CONNECT, and made room for another one")
	case errors.Is(err, os.ErrDeadlineExceeded):
		first.kind, err = "late", fmt.Errorf("no whole CONNECT in %s", c.l.opt.FirstPacket)
	default:
		errors.As(err, &first)
	}
	args := []any{"remote", c.RemoteAddr(), "why", err}
	if (first.kind == "TLS" || first.kind == "plain") && c.door.opt.Wrong != "" {
		args = append(args, "try", tell.Own(c.door.opt.Wrong))
	}
	c.l.opt.Log.Tell(slog.LevelWarn, c.host.String()+" "+first.kind, "connection closed", args...)
}
