package guard

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// A Conn is one connection through the guard. It reads whole what came of it, packet by packet within the bounds.
type Conn struct {
	net.Conn // what is read and written: TLS's where TLS is spoken

	l    *Listener
	raw  net.Conn // the socket
	host netip.Addr
	net  netip.Prefix

	first  []byte // of what came with the first packet, not yet read by the handler
	frames frames

	state state // guarded by l.mu
}

// state is how far a connection has come.
type state int

const (
	silent   state = iota // has not sent its whole first packet
	judged                // has, and is not admitted yet
	admitted              // by the handler
	gone                  // closed, or about to be
)

func newConn(l *Listener, raw net.Conn) *Conn {
	c := &Conn{Conn: raw, l: l, raw: raw, frames: frames{max: l.opt.MaxPacket}}
	if a, err := netip.ParseAddrPort(raw.RemoteAddr().String()); err == nil {
		c.host = a.Addr().Unmap().WithZone("")
	}
	bits := 32
	if c.host.Is6() {
		bits = 64 // what one machine has to itself
	}
	c.net, _ = c.host.Prefix(bits) // none of an address that is not one
	return c
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
	l.admitted++
	l.hosts[c.host]++
	return nil
}

// Close closes the connection and frees its place at once.
func (c *Conn) Close() error {
	c.l.mu.Lock()
	c.l.leave(c)
	c.l.mu.Unlock()
	return c.Conn.Close()
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
	if c.l.opt.TLS != nil {
		t := tls.Server(c.raw, c.l.opt.TLS)
		if err := t.HandshakeContext(context.Background()); err != nil { // bounded by the deadline
			return fmt.Errorf("TLS handshake: %w", err)
		}
		c.Conn = t
	}
	if c.first, err = readFirst(c.Conn, c.l.opt.MaxFirst); err != nil {
		return err
	}
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

// typeConnect begins a CONNECT packet [MQTT-2.2.1]; typeTLS is what begins with TLS's greeting.
const typeConnect, typeTLS = 0x10, 0x16

// firstSize returns the whole size of a first packet that begins so, 0 if that cannot be said yet.
func firstSize(b []byte, limit int) (int, error) {
	switch {
	case len(b) == 0:
		return 0, nil
	case b[0] == typeTLS:
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
	switch {
	case c.l.isClosed(), errors.Is(err, io.EOF) && c.l.opt.TLS == nil, errors.Is(err, syscall.ECONNRESET):
		return
	case errors.Is(err, net.ErrClosed):
		first.kind, err = "room", errors.New("it had not sent its whole CONNECT, and made room for another one")
	case errors.Is(err, os.ErrDeadlineExceeded):
		first.kind, err = "late", fmt.Errorf("no whole CONNECT in %s", c.l.opt.FirstPacket)
	default:
		errors.As(err, &first)
	}
	c.l.opt.Log.Tell(slog.LevelWarn, c.host.String()+" "+first.kind, "connection closed", "remote", c.RemoteAddr(), "why",
		err)
}
