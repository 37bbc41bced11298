package guard_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/shared/guard"
)

// serverTLS is a configuration with a certificate of nobody's.
func serverTLS(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, SessionTicketsDisabled: true,
	}
}

func optionsTLS(t testing.TB) guard.Options {
	t.Helper()
	opt := options()
	opt.TLS = serverTLS(t)
	return opt
}

func client(conn net.Conn) *tls.Conn { return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) }

// helloText is a whole ClientHello.
func helloText(t testing.TB) []byte {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() { _ = client(theirs).HandshakeContext(t.Context()) }() // ends with the pipe
	buf := make([]byte, 8<<10)
	n, err := ours.Read(buf)
	_ = ours.Close()
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

// Of whoever says nothing, half a hello, a hello and nothing more, or rubbish, however many there are, none keeps an
// honest client from its handshake: from their own address, another one, and one behind which somebody is admitted.
func TestHands_flood(t *testing.T) {
	hello := helloText(t)
	for name, text := range map[string][]byte{
		"silent": nil, "half a hello": hello[:len(hello)/2], "a hello": hello, "rubbish": []byte("\x16\x03\x01\x02rubbish"),
		"a hello and rubbish": append(append([]byte{}, hello...), "\x17\x03\x03\x00\x20rubbish"...),
	} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, optionsTLS(t), echo)
			before := client(d.dialFrom("127.0.0.3"))
			mustServe(t, before)
			heap := heapNow()
			for i := range 500 {
				_, _ = d.dialFrom(fmt.Sprintf("127.0.0.%d", 2+i%40)).Write(text) // perhaps closed on the way
				if i%100 == 99 {
					for _, from := range []string{"127.0.0.2", "127.0.0.3", "127.0.1.1"} {
						mustServe(t, client(d.dialFrom(from)))
					}
				}
			}
			mustServe(t, before)
			if n := d.Counts(); n.Waiting > 256 || n.Refused > 0 {
				t.Errorf("got counts %+v", n)
			}
			if grown := heapNow() - heap; grown > 32<<20 { // both sides
				t.Errorf("memory grew by %d bytes", grown)
			}
			if got := len(d.log.String()); got > 30_000 {
				t.Errorf("the log has %d bytes", got)
			}
		})
	}
}

// As many handshakes as there are slots, and more, wait for clients that do not go on, and hold none of them.
func TestHands_stalledHoldNoSlot(t *testing.T) {
	t.Parallel()
	opt := optionsTLS(t)
	opt.MaxWaitingPerNet = 0
	d := serve(t, opt, echo)
	hello := helloText(t)
	for range 8 * runtime.GOMAXPROCS(0) {
		conn := d.dial()
		if _, err := conn.Write(hello); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, 100)); err != nil { // the answer
			t.Fatal(err)
		}
	}
	mustServe(t, client(d.dial()))
}

// A handshake ends at the deadline, however its client drips; and where it sends without end.
func TestHands_bounds(t *testing.T) {
	t.Parallel()
	opt := optionsTLS(t)
	opt.FirstPacket = 100 * time.Millisecond
	d := serve(t, opt, func(*guard.Conn) error { t.Error("handled"); return nil })
	hello := helloText(t)
	for _, n := range []int{0, 3, 5, 50, len(hello)} {
		conn := d.dial()
		if _, err := conn.Write(hello[:n]); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, conn)
	}
	if got := d.log.Count(`why="no whole CONNECT in 100ms"`); got != 1 {
		t.Errorf("got log\n%s", d.log)
	}

	never := func(*guard.Conn) error { t.Error("handled"); return nil }
	for name, text := range map[string][]byte{
		"a TLS greeting of more than 16384 bytes": append([]byte{0x16, 3, 1, 0x40, 0, 1, 1, 0, 0}, make([]byte, 16<<10)...),
		"hold no greeting":                        {0x16, 3, 1, 0, 0},
		"its first message is no greeting":        {0x16, 3, 1, 0, 4, 2, 0, 0, 0},
		"not TLS: it begins with":                 []byte("GET / HTTP/1.1\r\n\r\n"),
	} {
		endless := serve(t, optionsTLS(t), never)
		conn := endless.dial()
		_, _ = conn.Write(text) // perhaps closed on the way
		mustClose(t, conn)
		if got := endless.log.String(); !strings.Contains(got, name) {
			t.Errorf("%s: got log\n%s", name, got)
		}
	}
}

// A client that has its keys changed without end, and does not read the answers, cannot have the gateway wait for it: not
// before it is admitted.
func TestHands_writesBeforeAdmission(t *testing.T) {
	t.Parallel()
	wrote, admitted := make(chan int, 2), make(chan bool, 2)
	d := serve(t, optionsTLS(t), func(c *guard.Conn) error {
		let := <-admitted
		if let {
			if err := c.Admit(); err != nil {
				return err
			}
		}
		n := 0
		for ; n < 500; n++ {
			if _, err := c.Write([]byte("key")); err != nil {
				break
			}
		}
		wrote <- n
		return nil
	})
	for let, most := range map[bool]int{false: 32, true: 500} {
		conn := client(d.dial())
		if _, err := conn.Write(hello); err != nil {
			t.Fatal(err)
		}
		admitted <- let
		if n := <-wrote; n != most {
			t.Errorf("admitted %v: got %d, want %d", let, n, most)
		}
		_ = conn.Close()
	}
}

// Certificates without end are not read, by neither version.
func TestHands_endlessCertificates(t *testing.T) {
	t.Parallel()
	opt := optionsTLS(t)
	opt.TLS.ClientAuth = tls.RequestClientCert
	d := serve(t, opt, func(*guard.Conn) error { t.Error("handled"); return nil })
	many := serverTLS(t).Certificates[0]
	for range 200 {
		many.Certificate = append(many.Certificate, many.Certificate[0])
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		c := tls.Client(d.dial(), &tls.Config{
			InsecureSkipVerify: true, MaxVersion: version, Certificates: []tls.Certificate{many},
		})
		_, _ = c.Write(hello) // perhaps closed on the way
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: got %v", tls.VersionName(version), err)
		}
	}
	if n := d.log.Count("more than 49152 bytes before the handshake ended"); n != 1 {
		t.Errorf("got log\n%s", d.log)
	}
}

// Close does not wait for a client that does not read, as TLS would for seconds with its farewell.
func TestConn_Close_doesNotWait(t *testing.T) {
	t.Parallel()
	in, took := newPipes(), make(chan time.Duration, 1)
	wrap(t, in, optionsTLS(t), func(c *guard.Conn) error {
		begun := time.Now()
		err := c.Close()
		took <- time.Since(begun)
		return err
	})
	c := client(in.from(t, "192.0.2.1:1"))
	if _, err := c.Write(hello); err != nil {
		t.Fatal(err)
	}
	if d := <-took; d > 2*time.Second {
		t.Errorf("took %s", d)
	}
}

// One door closes with its connections, the other ones stay.
func TestDoor_Close(t *testing.T) {
	t.Parallel()
	d := serve(t, optionsTLS(t), echo)
	c := client(d.dial())
	mustServe(t, c)
	other, err := d.Open(t.Context(), "127.0.0.1:0", guard.DoorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := net.Dial("tcp", other.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.Close() })
	_ = plain.SetDeadline(time.Now().Add(patience))
	mustServe(t, plain)
	for range 2 {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}
	mustClose(t, plain)
	mustServe(t, c)
}

// Who joins makes room until he has sent what he had to, and then waits for us in peace.
func TestDoor_wholeKeepsItsPlace(t *testing.T) {
	t.Parallel()
	opt := options()
	opt.MaxWaitingPerNet = 2
	d := serve(t, opt, echo)
	cfg := serverTLS(t)
	cfg.NextProtos = []string{"join"}
	goOn, begun := make(chan struct{}), make(chan struct{})
	answer := sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(answer) // before the door is closed, which waits
	other, err := d.Open(t.Context(), "127.0.0.1:0", guard.DoorOptions{
		TLS: cfg, Protocols: map[string]func(*tls.Conn, func()){"join": func(c *tls.Conn, whole func()) {
			first := make([]byte, 1)
			if n, _ := c.Read(first); n == 1 {
				whole()
				begun <- struct{}{}
				<-goOn
				_, _ = c.Write(first)
			}
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	dial := func() *tls.Conn {
		dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"join"}}}
		c, err := dialer.DialContext(t.Context(), "tcp", other.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(patience))
		return c.(*tls.Conn)
	}
	joins := dial()
	if _, err := joins.Write([]byte("j")); err != nil {
		t.Fatal(err)
	}
	<-begun
	mustClose(t, func() net.Conn {
		silent := dial()
		dial()
		return silent
	}())
	answer()
	if _, err := io.ReadFull(joins, make([]byte, 1)); err != nil {
		t.Errorf("not answered: %v", err)
	}
}
