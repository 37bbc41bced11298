package world

import (
	"context"
	"net"
	"sync"
)

// A Proxy is a line to a TCP server that can be cut. Its methods are safe for concurrent use.
type Proxy struct {
	listener net.Listener

	mu     sync.Mutex // guards what follows
	target string
	held   chan struct{} // while the line is dead: closed when it lives again; nil while it does
	lines  map[*line]struct{}
	opened int
}

type line struct{ client, server net.Conn }

func (l *line) reset() {
	for _, c := range []net.Conn{l.client, l.server} {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, as of a router that forgot the connection
		}
		_ = c.Close() // it may be closed
	}
}

// NewProxy listens on a free port of the loopback and leads to the target, until Close.
func NewProxy(ctx context.Context, target string) (*Proxy, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, target: target, lines: map[*line]struct{}{}}
	go p.accept()
	return p, nil
}

// Lead changes where connections lead that are made from now on.
func (p *Proxy) Lead(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Addr is where clients connect.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		go p.serve(c)
	}
}

func (p *Proxy) serve(client net.Conn) {
	p.mu.Lock()
	target := p.target
	p.opened++
	p.mu.Unlock()
	p.alive()
	server, err := net.Dial("tcp", target) //nolint:noctx // to the loopback
	if err != nil {
		_ = client.Close() // as the server's machine would refuse it
		return
	}
	l := &line{client, server}
	p.mu.Lock()
	p.lines[l] = struct{}{}
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.pump(server, client) })
	both.Go(func() { p.pump(client, server) })
	both.Wait()
	p.mu.Lock()
	delete(p.lines, l)
	p.mu.Unlock()
}

// pump copies one way until an end, and then ends both ways.
func (p *Proxy) pump(to, from net.Conn) {
	defer func() { _ = to.Close(); _ = from.Close() }() // the other way may have closed them
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			p.alive()
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// alive returns when the line is not dead.
func (p *Proxy) alive() {
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	if held != nil {
		<-held
	}
}

// Blackhole lets nothing through, and tells nobody; false lets the bytes go on that waited.
func (p *Proxy) Blackhole(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case on && p.held == nil:
		p.held = make(chan struct{})
	case !on && p.held != nil:
		close(p.held)
		p.held = nil
	}
}

// Reset ends all connections with a TCP reset.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.lines {
		l.reset()
	}
}

// Opened is how many connections there were.
func (p *Proxy) Opened() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened
}

// Lines is how many connections there are.
func (p *Proxy) Lines() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.lines)
}

// Close ends all connections and takes no more.
func (p *Proxy) Close() {
	_ = p.listener.Close() // nobody is left to tell
	p.Blackhole(false)
	p.Reset()
}
