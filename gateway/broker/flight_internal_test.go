package broker

import (
	"net"
	"sync"
	"testing"
	"time"

	"piway/shared/guard"
)

// line has entries that wait, in the order in which they began to.
type line struct {
	t *testing.T
	*flight
	wg sync.WaitGroup
}

// enters begins an entry that has to wait, and returns when it does. What it came to is sent.
func (l *line) enters(device string, n int) <-chan bool {
	l.t.Helper()
	waits, out := make(chan struct{}), make(chan bool, 1)
	l.wg.Go(func() { out <- l.enter(device, n, sync.OnceFunc(func() { close(waits) })) })
	select {
	case <-waits:
	case <-out:
		l.t.Fatalf("%s entered with %d bytes, want it to wait", device, n)
	}
	return out
}

// goes enters, and fails the test if that has to wait.
func (l *line) goes(device string, n int) {
	l.t.Helper()
	if !l.enter(device, n, func() { l.t.Errorf("%s waits with %d bytes", device, n) }) {
		l.t.Errorf("%s did not enter", device)
	}
}

func newLine(t *testing.T, most, each int64) *line {
	l := &line{t: t, flight: newFlight(most, each)}
	t.Cleanup(func() {
		l.end()
		l.wg.Wait()
	})
	return l
}

func TestFlight_aDeviceWaitsAndOthersGoOn(t *testing.T) {
	l := newLine(t, 10*besides, 4*besides)
	l.goes("a", besides)
	l.goes("a", 0)
	second := l.enters("a", besides)
	third := l.enters("a", 0)
	l.goes("b", 3*besides)
	l.leave("a", 0)
	if !<-second {
		t.Error("there is room, and it did not enter")
	}
	l.leave("a", besides)
	if !<-third {
		t.Error("there is room, and the next did not enter")
	}
	l.leave("a", besides)
	l.leave("a", 0)
	l.leave("b", 3*besides)
	if len(l.shares) > 0 || !l.all.TryAcquire(10*besides) {
		t.Errorf("nothing is in flight, and %d devices hold something", len(l.shares))
	}
}

// A device that waits for its own room takes none of what all share.
func TestFlight_inAll(t *testing.T) {
	l := newLine(t, 4*besides, 2*besides)
	l.goes("a", besides)
	for range 10 {
		l.enters("a", besides)
	}
	l.goes("b", besides)
	c := l.enters("c", besides)
	l.leave("b", besides)
	if !<-c {
		t.Error("there is room, and it did not enter")
	}
}

func TestFlight_largerThanTheBound(t *testing.T) {
	l := newLine(t, 3*besides, 2*besides)
	l.goes("a", 1000*besides)
	small := l.enters("a", 0)
	l.leave("a", 1000*besides)
	if !<-small {
		t.Error("it did not enter")
	}
	large := l.enters("a", 1000*besides)
	l.leave("a", 0)
	if !<-large {
		t.Error("it did not enter")
	}
}

func TestFlight_end(t *testing.T) {
	l := newLine(t, 3*besides, 2*besides)
	l.goes("a", besides)
	own := l.enters("a", 0)
	all := l.enters("b", besides)
	l.end()
	if <-own || <-all {
		t.Error("entered a broker that closes")
	}
	l.leave("a", besides)
	if len(l.shares) > 0 || !l.all.TryAcquire(3*besides) {
		t.Errorf("nothing is in flight, and %d devices hold something", len(l.shares))
	}
}

// A conn tells the deadlines that are set.
type deadlines struct {
	net.Conn
	set chan time.Time
}

func (d deadlines) SetDeadline(t time.Time) error {
	d.set <- t
	return nil
}

// While its reader waits for room, a client is not silent: no keep-alive ends its connection.
func TestSession_enter_liftsTheDeadline(t *testing.T) {
	for name, fill := range map[string]int{"for a place": 0, "for bytes": maxInFlightPerDevice} {
		b := &Broker{
			cfg: Config{MaxPending: 2}, closed: make(chan struct{}),
			flight: newFlight(maxInFlight, maxInFlightPerDevice),
		}
		if fill == 0 {
			b.cfg.MaxPending = 1
		}
		conn := deadlines{set: make(chan time.Time, 1)}
		s := newSession(b, &guard.Conn{Conn: conn})
		if !s.enter(fill) || len(conn.set) > 0 {
			t.Fatalf("%s: there is room, and it waits", name)
		}
		entered := make(chan bool)
		go func() { entered <- s.enter(1) }()
		if at := <-conn.set; !at.IsZero() {
			t.Errorf("%s: got the deadline %v", name, at)
		}
		s.leave(fill)
		if !<-entered {
			t.Errorf("%s: it did not enter", name)
		}
		s.leave(1)
	}
}
