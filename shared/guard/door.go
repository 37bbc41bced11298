package guard

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
)

// DoorOptions say how connections of one address are taken.
type DoorOptions struct {
	// TLS, when set, makes every connection a TLS one. It must not be changed afterwards, and its functions must not
	// wait for anybody: they are called while one of few slots is held.
	TLS *tls.Config
	// Protocols serve a connection on which TLS agreed on one of these names instead of MQTT (ALPN). It stays one of those
	// that wait, and makes room as they do until the function calls whole, which says that the client has sent what it had
	// to. It is closed when the function returns, or a minute after it began.
	Protocols map[string]func(c *tls.Conn, whole func())
	// Wrong is told when TLS is spoken where it is not, or is not where it is: what to do about it.
	Wrong string
}

// A Door is one address of a Listener.
type Door struct {
	l   *Listener
	ln  net.Listener
	opt DoorOptions

	closed bool // guarded by l.mu
}

// Open opens one more TCP address, within the bounds of all. It may be called before, during and after Serve.
func (l *Listener) Open(ctx context.Context, addr string, opt DoorOptions) (*Door, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err // says "listen tcp ADDR: …"
	}
	d := &Door{l: l, ln: ln, opt: opt}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = ln.Close() // never used
		return nil, net.ErrClosed
	}
	l.doors = append(l.doors, d)
	if l.handle != nil {
		l.start(d)
	}
	return d, nil
}

// start has a door's connections served. l.mu is held.
func (l *Listener) start(d *Door) {
	l.wg.Add(1)
	handle := l.handle
	go func() {
		defer l.wg.Done()
		d.accept(handle)
	}()
}

// Addr is the address listened on.
func (d *Door) Addr() net.Addr { return d.ln.Addr() }

// Close stops listening there, and closes the connections that came that way. A second Close does nothing.
func (d *Door) Close() error {
	d.l.mu.Lock()
	defer d.l.mu.Unlock()
	return d.close()
}

// close is Close while l.mu is held.
func (d *Door) close() error {
	if d.closed {
		return nil
	}
	d.closed = true
	d.l.doors = slices.DeleteFunc(slices.Clone(d.l.doors), func(o *Door) bool { return o == d }) // Close ranges over it
	for c := range d.l.open {
		if c.door == d {
			_ = c.raw.Close() // its handler sees the error
		}
	}
	return d.ln.Close()
}

// accept lets connections in until the door closes.
func (d *Door) accept(handle func(*Conn) error) {
	l, wait := d.l, acceptRetryMin
	for {
		raw, err := d.ln.Accept()
		if err != nil {
			if d.isClosed() || errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of descriptors or memory: it passes when a client leaves.
			l.opt.Log.Tell(slog.LevelWarn, "", "accepting failed", "err", err, "retry_in", wait)
			l.pause(wait)
			wait = min(2*wait, acceptRetryMax)
			continue
		}
		wait = acceptRetryMin
		c := newConn(d, raw)
		if err := l.enter(c); err != nil {
			l.refused.Add(1)
			l.opt.Log.Tell(slog.LevelWarn, c.host.String(), "connection refused", "remote", raw.RemoteAddr(), "why", err)
			_ = raw.Close() // it was never used
			continue
		}
		go l.serveOne(c, handle)
	}
}

func (d *Door) isClosed() bool {
	d.l.mu.Lock()
	defer d.l.mu.Unlock()
	return d.closed
}
