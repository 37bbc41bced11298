package guard

import (
	"errors"
	"math"
	"net"
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
	return int(r.Cur) //nolint:gosec // compared above
}

// roomFor is how many admitted connections fit into a limit of open files, beside those that wait.
func roomFor(files, waiting int) int { return max(files-spareFiles-waiting, 1) }

// judging bounds the wait of a newcomer for one of those who are being judged.
const judging = time.Second

// errFull refuses a newcomer while all who wait are being judged, for as long.
var errFull = errors.New("all places of connections that are not logged in are taken")

// enter books a connection in as one that waits, or says why it cannot be.
func (l *Listener) enter(c *Conn) error {
	patience := time.NewTimer(judging)
	defer patience.Stop()
	for {
		err := l.place(c)
		if !errors.Is(err, errFull) {
			return err
		}
		select {
		case <-l.left:
		case <-l.done:
			return net.ErrClosed
		case <-patience.C:
			return err
		}
	}
}

// place makes room for a connection that waits; errFull means that there is none now.
func (l *Listener) place(c *Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	// Not for an address with admitted connections: a proxy's honest clients must not pay for its others.
	if n := l.opt.MaxWaitingPerNet; n > 0 && l.nets[c.net] >= n && l.hosts[c.host] == 0 &&
		!l.evict(func(o *Conn) bool { return o.net == c.net }) {
		return errFull
	}
	if n := l.opt.MaxWaiting; n > 0 && len(l.waiting) >= n && !l.evict(func(*Conn) bool { return true }) {
		return errFull
	}
	l.open[c] = struct{}{}
	l.waiting = append(l.waiting, c)
	l.nets[c.net]++
	l.wg.Add(1)
	return nil
}

// evict closes the oldest of some that has not sent its whole first packet. l.mu is held.
func (l *Listener) evict(some func(*Conn) bool) bool {
	i := slices.IndexFunc(l.waiting, func(c *Conn) bool { return c.state == silent && some(c) })
	if i < 0 {
		return false
	}
	c := l.waiting[i]
	l.leave(c)
	_ = c.raw.Close() // its goroutine sees the error
	l.evicted.Add(1)
	return true
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
