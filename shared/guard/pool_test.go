package guard_test

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"piway/shared/guard"
)

// short is a CONNECT of 4 KiB without its last byte.
func short() []byte {
	const size = 4096 - 3
	return append([]byte{0x10, size&0x7f | 0x80, size >> 7}, make([]byte, size-1)...)
}

// Whatever waits, who says at once who it is is served: behind silent sockets and behind CONNECTs less a byte, from an
// address of one's own, from the attacker's, and from a proxy's behind which one is logged in. Memory and log stay
// small.
func TestListener_flood(t *testing.T) {
	for name, text := range map[string][]byte{"silent sockets": nil, "a byte short": short()} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, options(), echo)
			before := d.dialFrom("127.0.0.3")
			mustServe(t, before)
			heap := heapNow()
			for i := range 2000 {
				conn := d.dialFrom(fmt.Sprintf("127.0.0.%d", 2+i%40))
				if _, err := conn.Write(text); len(text) > 0 && err != nil {
					t.Logf("closed while it wrote: %v", err)
				}
				if i%100 == 99 {
					for _, from := range []string{"127.0.0.2", "127.0.0.3", "127.0.1.1"} {
						mustServe(t, d.dialFrom(from))
					}
				}
			}
			mustServe(t, before)
			n := d.Counts()
			if n.Waiting > 256 || n.Evicted < 1000 || n.Refused > 0 {
				t.Errorf("got counts %+v", n)
			}
			if grown := heapNow() - heap; grown > 16<<20 { // both sides of 2,000 sockets
				t.Errorf("memory grew by %d bytes", grown)
			}
			if got := len(d.log.String()); got > 20_000 {
				t.Errorf("the log has %d bytes", got)
			}
		})
	}
}

func heapNow() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// remote is one end of a pipe with a made-up address.
type remote struct {
	net.Conn
	address string
}

func (r remote) RemoteAddr() net.Addr { return addr(r.address) }

type addr string

func (addr) Network() string  { return "tcp" }
func (a addr) String() string { return string(a) }

// pipes is a listener whose clients may come from anywhere.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return addr("here") }

// from returns a client's end.
func (p *pipes) from(t *testing.T, address string) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	p.conns <- remote{theirs, address}
	t.Cleanup(func() { _ = ours.Close() })
	_ = ours.SetDeadline(time.Now().Add(patience))
	return ours
}

// One network has 16 places: an IPv4 address, however it is written, and an IPv6 /64. The oldest makes room, and
// others do not pay.
func TestListener_placesOfANetwork(t *testing.T) {
	t.Parallel()
	for _, of := range []func(int) string{
		func(i int) string { return fmt.Sprintf("192.0.2.1:%d", 1000+i) },
		func(i int) string { return fmt.Sprintf("[::ffff:192.0.2.1]:%d", 1000+i) },
		func(i int) string { return fmt.Sprintf("[2001:db8:0:1:%x::1]:1000", i) },
		func(i int) string { return fmt.Sprintf("[fe80::%x%%eth0]:1000", i+1) },
	} {
		in := newPipes()
		d := wrap(t, in, options(), echo)
		neighbours := []net.Conn{in.from(t, "192.0.2.2:1"), in.from(t, "[2001:db8:0:2::1]:1")}
		var all []net.Conn
		for i := range 20 {
			all = append(all, in.from(t, of(i)))
		}
		for i, c := range all[:4] {
			if _, err := c.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "EOF") {
				t.Errorf("%s: got %v, want it closed", of(i), err)
			}
		}
		for _, c := range append(all[4:], neighbours...) {
			mustServe(t, c)
		}
		if n := d.Counts(); n.Evicted != 4 {
			t.Errorf("%s: got counts %+v", of(0), n)
		}
	}
}

// Who is being judged is not thrown out, and newcomers wait for it.
func TestListener_judgedKeepTheirPlace(t *testing.T) {
	t.Parallel()
	judging, verdict := make(chan struct{}, 100), make(chan struct{})
	in := newPipes()
	opt := options()
	opt.MaxWaitingPerNet = 2
	d := wrap(t, in, opt, func(c *guard.Conn) error {
		judging <- struct{}{}
		<-verdict
		return echo(c)
	})
	say := func(c net.Conn) {
		if _, err := c.Write(hello); err != nil {
			t.Error(err)
		}
	}
	first, second := in.from(t, "192.0.2.1:1"), in.from(t, "192.0.2.1:2")
	say(first)
	say(second)
	<-judging
	<-judging
	late := in.from(t, "192.0.2.1:3")
	if _, err := late.Read(make([]byte, 1)); err == nil { // after a second of patience
		t.Error("it was answered")
	}
	if n := d.Counts(); n.Waiting != 2 || n.Evicted != 0 || n.Refused != 1 {
		t.Errorf("got counts %+v", n)
	}
	third := in.from(t, "192.0.2.1:4") // waits in the door's hand
	verdict <- struct{}{}
	say(third)
	close(verdict)
	for _, c := range []net.Conn{first, second, third} {
		got := make([]byte, len(hello))
		if _, err := io.ReadFull(c, got); err != nil {
			t.Errorf("not served: %v", err)
		}
	}
}

// What begins the connection decides: the reason is told once, foreign text quoted, and nothing is handed on.
func TestListener_firstPacket(t *testing.T) {
	t.Parallel()
	for first, why := range map[string]string{
		"\x16\x03\x01\x02\x00\x01\x00\x01": "TLS is spoken to a plain port",
		"GET / HTTP/1.1\r\n\r\n":           `not MQTT, or no CONNECT: it begins with \"GET / HT\"`,
		"SSH-2.0-x\r\n":                    "it begins with",
		"\x30\x03\x00\x01a":                "it begins with",
		"\x10\xff\xff\xff\x7f":             "a CONNECT of 268435460 bytes, 4096 are allowed",
		"\x10\xfe\x1f":                     "a CONNECT of 4097 bytes, 4096 are allowed",
		"\x10\xff\xff\xff\xff\x01":         "length is malformed",
	} {
		d := serve(t, options(), func(*guard.Conn) error { t.Error("handled"); return nil })
		for range 50 {
			conn := d.dial()
			if _, err := conn.Write([]byte(first)); err != nil {
				t.Fatal(err)
			}
			mustClose(t, conn)
		}
		if d.log.Count() != 1 || d.log.Count(why) != 1 {
			t.Errorf("%q: got log\n%s\nwant %s", first, d.log, why)
		}
	}
}

// Who scans ports or leaves is not worth a line.
func TestListener_scan(t *testing.T) {
	t.Parallel()
	d := serve(t, options(), echo)
	for range 100 {
		conn := d.dial()
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		mustClose(t, conn)
	}
	mustServe(t, d.dial())
	if d.log.String() != "" {
		t.Errorf("got log\n%s", d.log)
	}
}

// An address that has somebody admitted may be a proxy's: it is bound by the pool alone. And when that is full it pays
// itself, and not who waits elsewhere.
func TestListener_placesOfAProxy(t *testing.T) {
	t.Parallel()
	in := newPipes()
	d := wrap(t, in, options(), echo)
	neighbour := in.from(t, "192.0.2.2:1") // the oldest of all
	mustServe(t, in.from(t, "192.0.2.1:1"))
	var all []net.Conn
	for i := range 300 {
		all = append(all, in.from(t, fmt.Sprintf("192.0.2.1:%d", 1000+i)))
	}
	const evicted = 300 + 1 - 256
	for _, c := range all[:evicted] {
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("it was answered")
		}
	}
	for _, c := range append(all[evicted:], neighbour) {
		mustServe(t, c)
	}
	if n := d.Counts(); n.Evicted != evicted || n.Refused != 0 {
		t.Errorf("got counts %+v", n)
	}
}
