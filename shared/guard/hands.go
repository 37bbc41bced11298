package guard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
)

// A Refusal is an error of tls.Config's functions that is told by another subject than the address.
type Refusal struct {
	// Subject is who is refused, and Why.
	Subject, Why string
	// Args are told with it, as slog's alternating keys and values.
	Args []any
}

func (r *Refusal) Error() string { return r.Why }

// hands lie between a socket and TLS. While hands are shaken they see to it that a slot is held whenever something is
// computed, and never while the client is waited for.
type hands struct {
	net.Conn // the socket

	c     *Conn
	hello []byte // read and not yet given to TLS
	left  int    // bytes that may come until the handshake ends
	wrote int    // how often something was written since then
	holds bool   // a slot
	over  bool   // the handshake, when it is no longer this type's business
}

// shakeHands makes the connection a TLS one. A client that sends no whole ClientHello never holds a slot.
func (c *Conn) shakeHands() error {
	hello, err := readHello(c.raw)
	if err != nil {
		return err
	}
	h := &hands{Conn: c.raw, c: c, hello: hello, left: maxHandshake - len(hello)}
	if err := c.step(shaking, true); err != nil {
		return err
	}
	c.l.slots.take(c.turn())
	h.holds = true
	defer h.rest()
	t := tls.Server(h, c.door.opt.TLS)
	if err := t.HandshakeContext(context.Background()); err != nil { // bounded by the deadline
		return fmt.Errorf("TLS handshake: %w", err)
	}
	h.over, h.hello = true, nil
	c.Conn = t
	return c.step(shaken, false)
}

// turn is that of a connection that begins a handshake: a flood of hellos from many addresses does not keep devices from
// coming back.
func (c *Conn) turn() turn {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if c.l.known[c.host] {
		return comesBack
	}
	return begins
}

// rest gives the slot back.
func (h *hands) rest() {
	if h.holds {
		h.holds = false
		h.c.l.slots.give()
	}
}

// Read gives TLS the hello, then waits for what the client sends next, without a slot.
func (h *hands) Read(p []byte) (int, error) {
	if h.over {
		return h.Conn.Read(p)
	}
	if len(h.hello) > 0 {
		n := copy(p, h.hello)
		h.hello = h.hello[n:]
		return n, nil
	}
	if h.left <= 0 {
		return 0, firstError{"size", fmt.Sprintf("more than %d bytes before the handshake ended", maxHandshake)}
	}
	h.rest()
	if err := h.c.step(shaking, false); err != nil {
		return 0, err
	}
	n, err := h.Conn.Read(p[:min(len(p), h.left)])
	h.left -= n
	if n == 0 {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // it left; TLS takes an end for an orderly one at some places
		}
		return 0, err
	}
	if err := h.c.step(shaking, true); err != nil {
		return 0, err
	}
	h.c.l.slots.take(goesOn)
	h.holds = true
	return n, nil
}

// maxWrites bounds how often something is written to a client after its handshake and before it is admitted, which is an
// answer of a few KiB. Each change of keys that a client asks for is answered too (RFC 8446, 4.6.3): who asks without end
// and does not read would have the answer itself wait for him, and keep a place for as long. So few fit into any socket.
const maxWrites = 32

// Write writes without a slot, since a client may not read.
func (h *hands) Write(p []byte) (int, error) {
	if h.over && !h.c.letIn.Load() {
		if h.wrote++; h.wrote > maxWrites {
			return 0, firstError{"writes", fmt.Sprintf("more than %d answers before it had logged in", maxWrites)}
		}
	}
	if !h.over { // what is computed comes after the next Read
		h.rest()
		if err := h.c.step(shaking, false); err != nil {
			return 0, err
		}
	}
	return h.Conn.Write(p)
}
