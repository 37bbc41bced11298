// Package guard is the door in front of an MQTT broker. Its one promise: whatever a client does before or
// after its first packet, it costs the others nothing.
//
// A broker library's own listeners stop for ever after one failed Accept, wait without end for a first packet, do not
// count the sockets that wait, make room for whatever a packet announces, and let a panic in one client's goroutine
// end the process. The guard retries, bounds, counts and contains. Of MQTT it knows where packets begin and end.
//
// A connection waits until the handler admits it. Those that wait are a pool of their own, so they take no place of
// one that is admitted, and in it there is room for a newcomer: the oldest that has not sent its whole first packet
// goes. One that has is being judged, which takes no time that its client could stretch; where all are, the newcomers
// wait in the kernel. So a client that says at once who it is gets a hearing, whatever others hold open.
//
// A Listener has doors: addresses, with TLS or without. One set of bounds counts what comes by all of them.
//
// # Handshakes
//
// What a handshake costs is computing, of which twice as many as there are cores are under way at once. The ClientHello
// is read first, by this package and within 16 KiB, and a place is held only while something is computed: never while
// the client is waited for, so who stalls or drips holds none. Who goes on with a handshake comes before who begins one.
// Until it ends 48 KiB may come.
//
// Who waits for its client may have to make room, and who waits for us may not. Only steps count, not bytes: the whole
// hello, and the end of the handshake. Who has made none for two seconds goes first. Else those who have not begun have
// a quarter of their network's places, and those who have begun the rest: so sockets that say nothing drive nobody out
// of a handshake, and a flood of hellos nobody who has just come and is about to say his.
//
// There is no farewell of TLS: it would wait on a client that does not read. Nor is more than 32 times something written
// to one that is not admitted.
package guard

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"piway/shared/tell"
)

// Options say what a Listener allows. Of the counts, 0 means no bound.
type Options struct {
	// MaxConns bounds the admitted connections, MaxPerHost those from one address: Admit says no to one more. MaxConns
	// is lowered to what the process's limit of open files leaves room for.
	MaxConns, MaxPerHost int
	// MaxWaiting bounds the connections that are not admitted yet, MaxWaitingPerNet those from one IPv4 address or one
	// IPv6 /64; the latter does not count for an address that has admitted ones, since it may be a proxy's.
	MaxWaiting, MaxWaitingPerNet int
	// FirstPacket is the time from Accept to the end of the TLS handshake and of the client's first packet.
	// The handler lifts it by setting its own deadline.
	FirstPacket time.Duration
	// MaxFirst bounds the first packet in bytes, which must be a CONNECT, and MaxPacket every other one.
	MaxFirst, MaxPacket int
	// TLS, when set, makes every connection of the first door a TLS one; see DoorOptions.
	TLS *tls.Config
	// Log must be set.
	Log *tell.Teller
}

// Counts are a Listener's totals since Listen.
type Counts struct {
	// Open connections now, and how many of them are Waiting to be admitted.
	Open, Waiting int64
	// Refused at once since all places were taken; Evicted while they waited, for a newcomer; Panics contained.
	Refused, Evicted, Panics int64
}

// A Listener accepts connections within its Options. Its methods are safe for concurrent use.
type Listener struct {
	opt   Options
	slots slots // of handshakes
	first *Door // of Wrap

	refused, evicted, panics atomic.Int64

	mu       sync.Mutex // guards the fields below, and state of each Conn
	open     map[*Conn]struct{}
	waiting  []*Conn // the oldest first
	nets     map[netip.Prefix]int
	admitted int
	hosts    map[netip.Addr]int  // admitted from there
	known    map[netip.Addr]bool // from where somebody was admitted, now or before
	doors    []*Door             // open ones
	handle   func(*Conn) error
	closed   bool

	left chan struct{} // has a token when somebody left the pool of those who wait
	done chan struct{} // closed by Close
	wg   sync.WaitGroup
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
	l := New(opt)
	l.first = &Door{l: l, ln: ln, opt: DoorOptions{TLS: opt.TLS}}
	l.doors = []*Door{l.first}
	return l
}

// New returns a Listener without a door; see Open.
func New(opt Options) *Listener {
	if room := roomFor(openFiles(), opt.MaxWaiting); opt.MaxConns == 0 || room < opt.MaxConns {
		if opt.MaxConns > 0 {
			opt.Log.Tell(slog.LevelWarn, "", "the limit of open files allows fewer connections than the configuration",
				"allowed", room, "configured", opt.MaxConns, "files", openFiles())
		}
		opt.MaxConns = room
	}
	return &Listener{
		opt: opt, open: map[*Conn]struct{}{}, nets: map[netip.Prefix]int{}, hosts: map[netip.Addr]int{}, known: map[netip.Addr]bool{},
		left: make(chan struct{}, 1), done: make(chan struct{}),
		slots: slots{free: 2 * runtime.GOMAXPROCS(0)},
	}
}

// Addr is the address listened on first.
func (l *Listener) Addr() net.Addr { return l.first.Addr() }

// Counts returns the totals so far.
func (l *Listener) Counts() Counts {
	l.mu.Lock()
	open, waiting := len(l.open), len(l.waiting)
	l.mu.Unlock()
	return Counts{
		Open: int64(open), Waiting: int64(waiting),
		Refused: l.refused.Load(), Evicted: l.evicted.Load(), Panics: l.panics.Load(),
	}
}

// Serve hands each connection on when its first packet has come whole, to handle in a goroutine of its own, and closes
// it when handle returns or panics. It returns after Close, when every handler has returned. Call it once.
func (l *Listener) Serve(handle func(*Conn) error) {
	l.mu.Lock()
	l.handle = handle
	if !l.closed {
		for _, d := range l.doors {
			l.start(d)
		}
	}
	l.mu.Unlock()
	<-l.done
	l.wg.Wait()
}

const (
	acceptRetryMin = 5 * time.Millisecond
	acceptRetryMax = time.Second
	// otherLife bounds a connection of another protocol.
	otherLife = time.Minute
)

// Close stops accepting and closes every connection, idle or not. Serve then returns. A second Close does nothing.
func (l *Listener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	close(l.done)
	var errs []error
	for _, d := range l.doors {
		errs = append(errs, d.close())
	}
	l.mu.Unlock()
	return errors.Join(errs...)
}

func (l *Listener) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.done:
	}
}

func (l *Listener) serveOne(c *Conn, handle func(*Conn) error) {
	defer l.wg.Done()
	defer func() { _ = c.Close() }() // often closed already
	defer func() {
		if p := recover(); p != nil {
			l.panics.Add(1)
			l.opt.Log.Tell(slog.LevelError, c.host.String(), "panic while serving a client; its connection is closed",
				"remote", c.RemoteAddr(), "panic", p, "stack", tell.Own(debug.Stack()))
		}
	}()
	if l.opt.FirstPacket > 0 {
		_ = c.SetDeadline(time.Now().Add(l.opt.FirstPacket)) // a closed socket fails at the first read
	}
	if err := c.hearFirst(); err != nil {
		c.tellEnd(err)
		return
	}
	if c.serve != nil {
		end := time.AfterFunc(otherLife, func() { _ = c.raw.Close() })
		defer end.Stop()
		c.serve()
		return
	}
	_ = handle(c) // which tells what there is to tell
}
