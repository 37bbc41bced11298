package guard_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"piway/shared/guard"
	"piway/shared/tell"
	"piway/shared/testlog"
)

// A door is a listener on loopback that runs until the test ends.
type door struct {
	*guard.Listener
	t   *testing.T
	log *testlog.Log
}

// patience ends a test that would hang; no test waits for it.
const patience = 20 * time.Second

// options of most tests; the log is the door's.
func options() guard.Options {
	return guard.Options{
		MaxConns: 300, MaxWaiting: 256, MaxWaitingPerNet: 16, MaxFirst: 4096, MaxPacket: 8192, FirstPacket: patience,
	}
}

func serve(t *testing.T, opt guard.Options, handle func(*guard.Conn) error) *door {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return wrap(t, ln, opt, handle)
}

func wrap(t *testing.T, ln net.Listener, opt guard.Options, handle func(*guard.Conn) error) *door {
	t.Helper()
	d := &door{t: t, log: new(testlog.Log)}
	opt.Log = tell.New(slog.New(slog.NewTextHandler(d.log, nil)))
	d.Listener = guard.Wrap(ln, opt)
	done := make(chan struct{})
	go func() { d.Serve(handle); close(done) }()
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := d.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		<-done
		opt.Log.Close()
	})
	return d
}

func (d *door) dial() net.Conn { return d.dialFrom("127.0.0.1") }

func (d *door) dialFrom(address string) net.Conn {
	d.t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	conn, err := dialer.DialContext(d.t.Context(), "tcp", d.Addr().String())
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// hello is a first packet; what is behind it is anybody's.
var hello = []byte{0x10, 1, 7}

// echo answers with the first packet and admits, so a test knows that it was served.
func echo(conn *guard.Conn) error {
	if err := conn.Admit(); err != nil {
		return err
	}
	_, err := io.Copy(conn, conn)
	return err
}

func mustServe(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := conn.Write(hello); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(hello))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, hello) {
		t.Fatalf("not served: got %v, %v", got, err)
	}
}

// mustClose waits for the end of a connection on which nothing comes.
func mustClose(t *testing.T, conn net.Conn) {
	t.Helper()
	n, err := conn.Read(make([]byte, 1))
	var timeout net.Error
	if n > 0 || err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatalf("got %d bytes, %v, want the connection closed", n, err)
	}
}

// Silence, and a first packet that comes byte by byte, end at the deadline.
func TestListener_firstPacketDeadline(t *testing.T) {
	t.Parallel()
	opt := options()
	opt.FirstPacket = 50 * time.Millisecond
	d := serve(t, opt, func(*guard.Conn) error { t.Error("handled"); return nil })
	mustClose(t, d.dial())
	slow := d.dial()
	for _, b := range []byte{0x10, 200, 1, 0, 4} {
		if _, err := slow.Write([]byte{b}); err != nil {
			break // closed already
		}
	}
	mustClose(t, slow)
	if d.log.Count() != 1 || d.log.Count(`why="no whole CONNECT in 50ms"`) != 1 {
		t.Errorf("got log\n%s", d.log)
	}
}

func TestListener_Admit_bounds(t *testing.T) {
	t.Parallel()
	all, perHost := options(), options()
	all.MaxConns, perHost.MaxPerHost = 1, 1
	for _, opt := range []guard.Options{all, perHost} {
		why := make(chan error, 2)
		d := serve(t, opt, func(c *guard.Conn) error { err := echo(c); why <- err; return err })
		first := d.dial()
		mustServe(t, first)
		second := d.dial()
		if _, err := second.Write(hello); err != nil {
			t.Fatal(err)
		}
		mustClose(t, second)
		if err := <-why; err == nil || !strings.Contains(err.Error(), "the most allowed") {
			t.Errorf("%+v: got %v", opt, err)
		}
		mustServe(t, first)
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-why; err != nil {
			t.Error(err)
		}
		mustServe(t, d.dial())
	}
}

// More connections than the process may open files for are not promised.
func TestListener_limitOfOpenFiles(t *testing.T) {
	t.Parallel()
	opt := options()
	opt.MaxConns = math.MaxInt32
	d := serve(t, opt, echo)
	mustServe(t, d.dial())
	if got := d.log.String(); !strings.Contains(got, "the limit of open files allows fewer connections") {
		t.Errorf("got log\n%s", got)
	}
}

func TestListener_panicCostsOneClient(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	d := serve(t, options(), func(c *guard.Conn) error {
		if calls.Add(1) == 1 {
			panic("hostile packet")
		}
		return echo(c)
	})
	hostile := d.dial()
	if _, err := hostile.Write(hello); err != nil {
		t.Fatal(err)
	}
	mustClose(t, hostile)
	mustServe(t, d.dial())
	if got := d.Counts().Panics; got != 1 || !strings.Contains(d.log.String(), "guard_test.go") {
		t.Errorf("got %d panics counted, want 1, and the log with the place\n%s", got, d.log)
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
	t.Parallel()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &flaky{Listener: ln}
	f.fails.Store(3)
	mustServe(t, wrap(t, f, options(), echo).dial())
}

func TestListener_Close_endsAllSockets(t *testing.T) {
	t.Parallel()
	quiet := tell.New(slog.New(slog.DiscardHandler))
	l, err := guard.Listen(t.Context(), "127.0.0.1:0", guard.Options{Log: quiet, MaxFirst: 10})
	if err != nil {
		t.Fatal(err)
	}
	entered, done := make(chan struct{}), make(chan struct{})
	go func() {
		l.Serve(func(c *guard.Conn) error { close(entered); _, err := io.Copy(io.Discard, c); return err })
		close(done)
	}()
	d := &door{Listener: l, t: t}
	d.dial()
	if _, err := d.dial().Write(hello); err != nil {
		t.Fatal(err)
	}
	<-entered
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	<-done // hangs if Close leaves a socket open
}
