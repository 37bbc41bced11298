package guard_test

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"piway/shared/guard"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// serve starts a guarded listener on loopback and stops it with the test.
func serve(t *testing.T, opt guard.Options, handle func(net.Conn) error) *guard.Listener {
	t.Helper()
	opt.Log = quiet()
	l, err := guard.Listen(t.Context(), "127.0.0.1:0", opt)
	if err != nil {
		t.Fatal(err)
	}
	run(t, l, handle)
	return l
}

func run(t *testing.T, l *guard.Listener, handle func(net.Conn) error) {
	t.Helper()
	done := make(chan struct{})
	go func() { l.Serve(handle); close(done) }()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		<-done
	})
}

func dial(t *testing.T, l *guard.Listener) net.Conn {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// echo answers one byte with itself, so a test knows that it was served.
func echo(conn net.Conn) error {
	_, err := io.CopyN(conn, conn, 1)
	return err
}

func mustServe(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := conn.Write([]byte{7}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatalf("not served: %v", err)
	}
}

func TestListener_firstPacketDeadlineEndsIdleSocket(t *testing.T) {
	got := make(chan error, 1)
	l := serve(t, guard.Options{FirstPacket: 20 * time.Millisecond}, func(c net.Conn) error {
		_, err := c.Read(make([]byte, 1))
		got <- err
		return err
	})
	dial(t, l)
	var timeout net.Error
	if err := <-got; !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("reading from an idle socket: got %v, want a timeout", err)
	}
}

func TestListener_capsConnectionsPerHostAndInAll(t *testing.T) {
	for _, opt := range []guard.Options{{MaxConns: 1}, {MaxPerHost: 1}} {
		entered := make(chan struct{})
		l := serve(t, opt, func(c net.Conn) error { entered <- struct{}{}; return echo(c) })
		first := dial(t, l)
		<-entered
		second := dial(t, l)
		if _, err := second.Read(make([]byte, 1)); err == nil {
			t.Errorf("%+v: the second connection was served, want it closed", opt)
		}
		if got := l.Counts().Refused; got != 1 {
			t.Errorf("%+v: got %d refused, want 1", opt, got)
		}
		mustServe(t, first)
	}
}

func TestListener_panicCostsOneClient(t *testing.T) {
	var calls atomic.Int64
	l := serve(t, guard.Options{}, func(c net.Conn) error {
		if calls.Add(1) == 1 {
			panic("hostile packet")
		}
		return echo(c)
	})
	hostile := dial(t, l)
	if _, err := hostile.Read(make([]byte, 1)); err == nil {
		t.Error("the connection that panicked is still open")
	}
	mustServe(t, dial(t, l))
	if got := l.Counts().Panics; got != 1 {
		t.Errorf("got %d panics counted, want 1", got)
	}
}

// flaky fails Accept a few times, as a listener does that is out of descriptors.
type flaky struct {
	net.Listener
	fails atomic.Int64
}

func (f *flaky) Accept() (net.Conn, error) {
	if f.fails.Add(-1) >= 0 {
		return nil, errors.New("accept: too many open files")
	}
	return f.Listener.Accept()
}

func TestListener_acceptIsRetried(t *testing.T) {
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &flaky{Listener: ln}
	f.fails.Store(3)
	l := guard.Wrap(f, guard.Options{Log: quiet()})
	run(t, l, echo)
	mustServe(t, dial(t, l))
}

func TestListener_Close_endsIdleSockets(t *testing.T) {
	l, err := guard.Listen(t.Context(), "127.0.0.1:0", guard.Options{Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	entered := make(chan struct{})
	done := make(chan struct{})
	go func() {
		l.Serve(func(c net.Conn) error { close(entered); _, err := c.Read(make([]byte, 1)); return err })
		close(done)
	}()
	dial(t, l)
	<-entered
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	<-done // hangs if Close leaves the idle socket open
}
