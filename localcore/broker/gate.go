package broker

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/time/rate"
)

// A gate is the network in front of the broker, below TLS: it can be cut, and it holds back what comes faster than a
// connection's throughput. (Whether IoT Core counts bytes before or after encryption is not documented; AWS's own
// clients count them encrypted.)
type gate struct {
	net.Listener
	counts *counter

	mu    sync.Mutex // guards the fields below
	conns map[*wire]struct{}
	cut   chan struct{} // not nil while offline; closed at its end
	cuts  int           // that have ended
}

func newGate(ln net.Listener, counts *counter) *gate {
	return &gate{Listener: ln, counts: counts, conns: map[*wire]struct{}{}}
}

// burst is what a connection may send at once before it is held back.
const burst = 64 * 1024

func (g *gate) Accept() (net.Conn, error) {
	conn, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	w := &wire{Conn: conn, gate: g, cuts: g.cuts, pace: rate.NewLimiter(maxBytes, burst), closed: make(chan struct{})}
	g.conns[w] = struct{}{}
	return w, nil
}

// setOffline cuts the network, or mends it: then the connections of before are reset.
func (g *gate) setOffline(off bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case off && g.cut == nil:
		g.cut = make(chan struct{})
	case !off && g.cut != nil:
		close(g.cut)
		g.cut = nil
		g.cuts++
		g.closeAll()
	}
}

func (g *gate) drop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closeAll()
}

// closeAll closes the sockets; their readers see it. g.mu is held.
func (g *gate) closeAll() {
	for w := range g.conns {
		if tcp, ok := w.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, as of a host that has forgotten the connection
		}
		_ = w.Conn.Close()
	}
}

// state returns what to wait for while offline, nil otherwise, and how many cuts have ended.
func (g *gate) state() (cut <-chan struct{}, cuts int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cut, g.cuts
}

// A wire is one connection through the gate.
type wire struct {
	net.Conn

	gate   *gate
	cuts   int // that had ended when it was accepted
	pace   *rate.Limiter
	once   sync.Once
	closed chan struct{}
}

// pass waits while the network is cut. After that the connection is gone.
func (w *wire) pass() error {
	cut, cuts := w.gate.state()
	switch {
	case cuts != w.cuts:
		return syscall.ECONNRESET
	case cut == nil:
		return nil
	}
	select {
	case <-cut:
		return syscall.ECONNRESET
	case <-w.closed:
		return net.ErrClosed
	}
}

func (w *wire) Read(p []byte) (int, error) {
	if err := w.pass(); err != nil {
		return 0, err
	}
	n, err := w.Conn.Read(p)
	if cutErr := w.pass(); cutErr != nil {
		return 0, cutErr // it came while the network was cut
	}
	w.hold(n)
	return n, err
}

// hold waits as long as n bytes are above the throughput.
func (w *wire) hold(n int) {
	wait := w.pace.ReserveN(time.Now(), min(n, burst)).Delay()
	if wait <= 0 {
		return
	}
	w.gate.counts.add(func(c *Counts) { c.Delayed++ })
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	select {
	case <-ctx.Done():
	case <-w.closed:
	}
}

func (w *wire) Write(p []byte) (int, error) {
	if err := w.pass(); err != nil {
		return 0, err
	}
	return w.Conn.Write(p)
}

func (w *wire) Close() error {
	w.once.Do(func() {
		close(w.closed)
		w.gate.mu.Lock()
		defer w.gate.mu.Unlock()
		delete(w.gate.conns, w)
	})
	return w.Conn.Close()
}
