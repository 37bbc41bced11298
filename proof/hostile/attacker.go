package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"piway/proof/world"
	"piway/shared/pairing"
)

// An attacker has connections to a gateway, and passwords of guests. It takes half a core: whoever is about to send
// waits while this process has had more. Its methods are safe for concurrent use.
type attacker struct {
	addr, addrTLS string // of the gateway
	guests        []guest
	loot          loot
	began         time.Time
	had           time.Duration // of the processor, when it began

	dialed, sent atomic.Int64 // connections that it got, and packets
	in           atomic.Int64 // log-ins and answers that it should not have got
}

// loot is what the hostile have stolen.
type loot struct {
	revoked *tls.Certificate // a key that was revoked
	used    pairing.Token    // by which an honest device has joined
	secure  guest            // a password of a device that speaks TLS only
}

// A guest is a device with a valid password.
type guest struct{ name, password string }

func newAttacker(s *site) *attacker {
	return &attacker{
		addr: s.gateway.Addr(), addrTLS: s.gateway.AddrTLS(), guests: s.guests, loot: s.loot,
		began: time.Now(), had: processor(),
	}
}

// processor is what this process has had of it.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// pace waits while the attack has had more than half a core.
func (a *attacker) pace(ctx context.Context) {
	if over := processor() - a.had - time.Since(a.began)/2; over > 0 {
		world.Wait(ctx, 2*over)
	}
}

// crowd has n of them do it at once, each again and again until ctx ends.
func (a *attacker) crowd(ctx context.Context, n int, what func(ctx context.Context, i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for ctx.Err() == nil {
				what(ctx, i)
			}
		})
	}
	all.Wait()
}

// refused is how long an attacker waits that does not get a connection.
const refused = 100 * time.Millisecond

// A conn is a raw connection, closed when the attack ends.
type conn struct {
	net.Conn

	a    *attacker
	ctx  context.Context //nolint:containedctx // of the attack, whose end ends the connection
	free func() bool
}

// dial connects from an address of the loopback, 127.0.0.1 for 0, where the honest devices are as well. Nil says that
// it cannot just now.
func (a *attacker) dial(ctx context.Context, from int) *conn { return a.dialTo(ctx, a.addr, from) }

// dialTLS is dial to where TLS is spoken. It speaks none.
func (a *attacker) dialTLS(ctx context.Context, from int) *conn {
	return a.dialTo(ctx, a.addrTLS, from)
}

func (a *attacker) dialTo(ctx context.Context, addr string, from int) *conn {
	a.pace(ctx)
	d := net.Dialer{Timeout: 5 * time.Second}
	if from > 0 {
		d.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 1, byte(from>>8), byte(from))} //nolint:gosec // both halves
	}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		world.Wait(ctx, refused)
		return nil
	}
	a.dialed.Add(1)
	return &conn{c, a, ctx, context.AfterFunc(ctx, func() { _ = c.Close() })}
}

// close takes no leave, of TLS either.
func (c *conn) close() {
	c.free()
	socket := c.Conn
	if t, ok := socket.(*tls.Conn); ok {
		socket = t.NetConn()
	}
	_ = socket.Close() // it may be closed
}

// send reports whether it could.
func (c *conn) send(what []byte) bool {
	c.a.pace(c.ctx)
	if _, err := c.Write(what); err != nil {
		return false
	}
	c.a.sent.Add(1)
	return true
}

// hear reads and forgets what comes, until the connection ends.
func (c *conn) hear() { _, _ = io.Copy(io.Discard, c) } // it ends with an error or without

// answer is the first bytes that come within a second, nil if none do.
func (c *conn) answer() []byte {
	buf := make([]byte, 64)
	_ = c.SetReadDeadline(time.Now().Add(time.Second)) // a connection that has ended tells by reading
	n, err := c.Read(buf)
	if err != nil {
		return nil
	}
	_ = c.SetReadDeadline(time.Time{})
	return buf[:n]
}

// flood sends one packet after the other until the connection ends or there is none, and reads what comes back.
func (c *conn) flood(next func() []byte) {
	var reader sync.WaitGroup
	reader.Go(func() {
		c.hear()
		c.close()
	})
	for c.ctx.Err() == nil {
		what := next()
		if what == nil || !c.send(what) {
			break
		}
	}
	c.close()
	reader.Wait()
}

// guest logs in as one of the guests, with a client id of its own. Nil says that it cannot just now.
func (a *attacker) guest(ctx context.Context, i int) *conn {
	g := a.guests[i%len(a.guests)]
	c := a.dial(ctx, 0)
	if c == nil {
		return nil
	}
	if c.send(login{id: fmt.Sprint("hostile-", i), user: g.name, password: g.password}.packet()) {
		if letIn(c.answer()) {
			return c
		}
	}
	c.close()
	world.Wait(ctx, refused)
	return nil
}

// flood floods on n connections of guests, each with what next makes for the i-th one.
func (a *attacker) flood(ctx context.Context, n int, next func(i int) func() []byte) {
	a.crowd(ctx, n, func(ctx context.Context, i int) {
		if c := a.guest(ctx, i); c != nil {
			c.flood(next(i))
		}
	})
}

// topic is where the i-th connection may publish.
func (a *attacker) topic(i int) string { return "pi/" + a.guests[i%len(a.guests)].name + "/samples" }

// publishing publishes at QoS 1 what payload makes of the number of the message.
func (a *attacker) publishing(topic string, payload func(n int) string) func() []byte {
	n := 0
	return func() []byte {
		n++
		return publish(topic, 1, 1+n%0xffff, payload(n))
	}
}
