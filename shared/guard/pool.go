package guard

import (
	"errors"
	"maps"
	"math"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// spareFiles is what the process opens beside connections: the store, the way to the cloud, the command line.
const spareFiles = 128

// openFiles is how many files the process may have open.
func openFiles() int {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil || r.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(r.Cur)
}

// roomFor is how many admitted connections fit into a limit of open files, beside those that wait.
func roomFor(files, waiting int) int { return max(files-spareFiles-waiting, 1) }

// judging bounds the wait of a newcomer for one of those who are being judged, which is looked for every retry.
const (
	judging = time.Second
	retry   = 5 * time.Millisecond
)

// errFull refuses a newcomer while all who wait are being judged, for as long.
var errFull = errors.New("all places of connections that are not logged in are taken")

// enter books a connection in as one that waits, or says why it cannot be.
func (l *Listener) enter(c *Conn) error {
	for begun := time.Now(); ; {
		err := l.place(c)
		if !errors.Is(err, errFull) || time.Since(begun) > judging {
			return err
		}
		t := time.NewTimer(retry)
		select {
		case <-l.left:
		case <-t.C:
		case <-l.done:
		}
		t.Stop()
	}
}

// place makes room for a connection that waits; errFull means that there is none now.
func (l *Listener) place(c *Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.door.closed {
		return net.ErrClosed
	}
	// Not for an address with admitted connections: a proxy's honest clients must not pay for its others.
	if n := l.opt.MaxWaitingPerNet; n > 0 && l.nets[c.net] >= n && l.hosts[c.host] == 0 && !l.evict(c.net) {
		return errFull
	}
	if n := l.opt.MaxWaiting; n > 0 && len(l.waiting) >= n && !l.evict(l.busiest()...) {
		return errFull
	}
	l.open[c] = struct{}{}
	l.waiting = append(l.waiting, c)
	l.nets[c.net]++
	l.wg.Add(1)
	return nil
}

// busiest returns the networks that have somebody waiting, those with the most first. Where clients are admitted as many
// more may wait, up to half of what a network may have: who come back behind one address do not make room for somebody
// who has many addresses. l.mu is held.
func (l *Listener) busiest() []netip.Prefix {
	credit := map[netip.Prefix]int{}
	for host, n := range l.hosts {
		net := netOf(host)
		credit[net] = min(credit[net]+n, l.opt.MaxWaitingPerNet/2)
	}
	nets := slices.Collect(maps.Keys(l.nets))
	slices.SortFunc(nets, func(a, b netip.Prefix) int { return l.nets[b] - credit[b] - l.nets[a] + credit[a] })
	return nets
}

// evict closes one of the first of these networks that has somebody who may go. l.mu is held.
func (l *Listener) evict(nets ...netip.Prefix) bool {
	for _, net := range nets {
		if c := l.victim(net); c != nil {
			l.leave(c)
			_ = c.raw.Close() // its goroutine sees the error
			l.evicted.Add(1)
			return true
		}
	}
	return false
}

// stalled is the time after which who waits for its client's next step counts as one that makes none.
const stalled = 2 * time.Second

// victim returns who of a network makes room, nil for nobody yet: the longest without a step, if that is long. Else the
// oldest that has not begun a handshake, as long as those who have not take a quarter of the places: so neither silence
// nor a flood of hellos drives out who gets on. l.mu is held.
func (l *Listener) victim(of netip.Prefix) *Conn {
	w := l.waitingOf(of)
	switch {
	case w.idle == nil:
		return w.begun
	case w.begun != nil && time.Since(w.begun.since) > stalled && w.begun.since.Before(w.idle.since):
		return w.begun
	case w.silents*4 >= l.nets[of], time.Since(w.idle.since) > stalled, w.begun == nil && w.busy == 0:
		return w.idle
	}
	return w.begun
}

// pool is who of a network waits and has not sent its first packet.
type pool struct {
	// Those that made their last step first, of who has not begun a handshake, and of who has, if they wait for their
	// client and nothing lies unread of them.
	idle, begun *Conn
	// How many have not begun, and how many wait for us.
	silents, busy int
}

// waitingOf returns a network's. l.mu is held.
func (l *Listener) waitingOf(net netip.Prefix) (w pool) {
	for _, c := range l.waiting {
		if c.net != net || c.state != silent {
			continue
		}
		first := &w.begun
		if c.shake == unshaken {
			first = &w.idle
			w.silents++
		}
		switch {
		case c.busy:
			w.busy++
		case (*first == nil || c.since.Before((*first).since)) && !unread(c.raw):
			*first = c
		}
	}
	return w
}

// unread reports whether a socket holds bytes that nobody has read: where many come at once their goroutines are late.
func unread(conn net.Conn) bool {
	s, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	n := 0
	err = raw.Control(func(fd uintptr) {
		const look = syscall.MSG_PEEK | syscall.MSG_DONTWAIT
		n, _, _ = syscall.Recvfrom(int(fd), make([]byte, 1), look) // an error is nothing to read
	})
	return err == nil && n > 0
}

// leave books a connection out, once. l.mu is held.
func (l *Listener) leave(c *Conn) {
	switch c.state {
	case gone:
		return
	case admitted:
		l.admitted--
		if l.hosts[c.host]--; l.hosts[c.host] == 0 {
			delete(l.hosts, c.host)
		}
	default:
		l.unwait(c)
	}
	delete(l.open, c)
	c.state = gone
}

// unwait takes a connection out of those that wait. l.mu is held.
func (l *Listener) unwait(c *Conn) {
	l.waiting = slices.DeleteFunc(l.waiting, func(o *Conn) bool { return o == c })
	if l.nets[c.net]--; l.nets[c.net] == 0 {
		delete(l.nets, c.net)
	}
	select {
	case l.left <- struct{}{}:
	default:
	}
}

// maxKnown bounds the addresses that are known; there are rarely more than devices.
const maxKnown = 4096

// know notes an address from which somebody was admitted, in the place of any other where there are too many. l.mu is
// held.
func (l *Listener) know(host netip.Addr) {
	if len(l.known) >= maxKnown && !l.known[host] {
		for other := range l.known {
			delete(l.known, other)
			break
		}
	}
	l.known[host] = true
}
