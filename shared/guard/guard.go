// Package guard is the door in front of an MQTT broker. Its one promise: whatever a client does before or
// after its first packet, it costs the others nothing.
//
// A broker library's own listeners stop for ever after one failed Accept, wait without end for a first packet,
// do not count the sockets that wait, and let a panic in one client's goroutine end the process. The guard
// retries, bounds, counts and contains; it knows nothing of MQTT.
package guard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Options say what a Listener allows.
type Options struct {
	// MaxConns bounds all connections, MaxPerHost those from one address. One more is closed at once and counted.
	// Zero means no bound.
	MaxConns, MaxPerHost int
	// FirstPacket is the time from Accept to the end of the TLS handshake and of the client's first packet.
	// The handler lifts it by setting its own deadline.
	FirstPacket time.Duration
	// TLS, when set, makes every connection a TLS one.
	TLS *tls.Config
	// Log must be set.
	Log *slog.Logger
}

// Counts are a Listener's totals since Listen.
type Counts struct {
	// Open connections now; Refused over a bound; Panics contained.
	Open, Refused, Panics int64
}

// A Listener accepts connections within its Options. Its methods are safe for concurrent use.
type Listener struct {
	opt Options
	ln  net.Listener

	refused, panics atomic.Int64

	mu     sync.Mutex // guards conns, hosts, closed
	conns  map[net.Conn]string
	hosts  map[string]int
	closed bool
	done   chan struct{} // closed by Close
	wg     sync.WaitGroup
}

// Listen opens the TCP address. It starts nothing; call Serve.
func Listen(ctx context.Context, addr string, opt Options) (*Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err // says "listen tcp ADDR: …"
	}
	return Wrap(ln, opt), nil
}

// Wrap guards a listener that is already open, and owns it from then on.
func Wrap(ln net.Listener, opt Options) *Listener {
	return &Listener{
		opt: opt, ln: ln,
		conns: map[net.Conn]string{}, hosts: map[string]int{}, done: make(chan struct{}),
	}
}

// Addr is the address listened on.
func (l *Listener) Addr() net.Addr { return l.ln.Addr() }

// Counts returns the totals so far.
func (l *Listener) Counts() Counts {
	l.mu.Lock()
	open := len(l.conns)
	l.mu.Unlock()
	return Counts{Open: int64(open), Refused: l.refused.Load(), Panics: l.panics.Load()}
}

// Serve hands each accepted connection to handle in a goroutine of its own, and closes the connection when handle
// returns or panics. It returns after Close, when every handler has returned.
func (l *Listener) Serve(handle func(net.Conn) error) {
	wait := acceptRetryMin
	for {
		conn, err := l.ln.Accept()
		if err != nil {
			if l.isClosed() || errors.Is(err, net.ErrClosed) {
				break
			}
			// Out of descriptors or memory: it passes when a client leaves.
			l.opt.Log.Warn("accepting failed", "err", err, "retry_in", wait)
			l.pause(wait)
			wait = min(2*wait, acceptRetryMax)
			continue
		}
		wait = acceptRetryMin
		if err := l.enter(conn); err != nil {
			l.refused.Add(1)
			l.opt.Log.Warn("connection refused", "remote", conn.RemoteAddr().String(), "err", err)
			_ = conn.Close() // it was never used
			continue
		}
		go l.serveOne(conn, handle)
	}
	l.wg.Wait()
}

const (
	acceptRetryMin = 5 * time.Millisecond
	acceptRetryMax = time.Second
)

// Close stops accepting and closes every connection, idle or not. Serve then returns. A second Close does nothing.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	close(l.done)
	for conn := range l.conns {
		_ = conn.Close() // its handler sees the error
	}
	return l.ln.Close()
}

func (l *Listener) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

func (l *Listener) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.done:
	}
}

// enter books a connection in, or says which bound it would exceed.
func (l *Listener) enter(conn net.Conn) error {
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		host = conn.RemoteAddr().String()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return net.ErrClosed
	case l.opt.MaxConns > 0 && len(l.conns) >= l.opt.MaxConns:
		return fmt.Errorf("%d connections are open, the most allowed", len(l.conns))
	case l.opt.MaxPerHost > 0 && l.hosts[host] >= l.opt.MaxPerHost:
		return fmt.Errorf("%d connections are open from %s, the most allowed from one address", l.hosts[host], host)
	}
	l.conns[conn] = host
	l.hosts[host]++
	l.wg.Add(1)
	return nil
}

func (l *Listener) leave(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	host := l.conns[conn]
	delete(l.conns, conn)
	if l.hosts[host]--; l.hosts[host] == 0 {
		delete(l.hosts, host)
	}
	l.wg.Done()
}

func (l *Listener) serveOne(raw net.Conn, handle func(net.Conn) error) {
	defer l.leave(raw)
	defer func() { _ = raw.Close() }() // often closed already
	remote := raw.RemoteAddr().String()
	defer func() {
		if p := recover(); p != nil {
			l.panics.Add(1)
			l.opt.Log.Error("panic while serving a client; its connection is closed",
				"remote", remote, "panic", p, "stack", string(debug.Stack()))
		}
	}()

	conn := raw
	if l.opt.FirstPacket > 0 {
		_ = conn.SetDeadline(time.Now().Add(l.opt.FirstPacket)) // a closed socket fails at the first read
	}
	if l.opt.TLS != nil {
		t := tls.Server(raw, l.opt.TLS)
		if err := t.HandshakeContext(context.Background()); err != nil { // bounded by the deadline above
			l.opt.Log.Warn("TLS handshake failed", "remote", remote, "err", err)
			return
		}
		conn = t
	}
	if err := handle(conn); err != nil {
		l.opt.Log.Debug("connection ended", "remote", remote, "err", err)
	}
}
