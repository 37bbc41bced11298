package broker_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"piway/gateway/broker"
	"piway/shared/testlog"
)

// connectOnce is one try of a client that nobody helps: it logs in by its key, and gets a reading acknowledged.
func connectOnce(addr net.Addr, cert *tls.Certificate) (net.Conn, error) {
	raw, err := net.DialTimeout("tcp", addr.String(), patience)
	if err != nil {
		return nil, err
	}
	_ = raw.SetDeadline(time.Now().Add(patience))
	conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{*cert}})
	c := &client{conn: conn, r: bufio.NewReader(conn)}
	for _, step := range []struct {
		send []byte
		want byte
	}{{login{id: "x"}.bytes(), connack}, {publishPacket("raspi/metrics", "x", 1, 7), puback}} {
		if _, err = conn.Write(step.send); err != nil {
			break
		}
		kind, body, readErr := c.read()
		if err = readErr; err != nil {
			break
		}
		if kind != step.want || step.want == connack && body[1] != 0 {
			err = fmt.Errorf("got packet type %d, %v", kind, body)
			break
		}
	}
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return conn, nil
}

// outlast is many times what the storm takes on an idle machine, so that a busy one holds it too.
const outlast = 4 * time.Minute

// All agents of a house come at once, behind one address, when the gateway is there again: all are let in soon, though each tries anew only after a second, beside somebody who floods the door with hellos from there.
func TestTLS_storm(t *testing.T) {
	n := 60
	if os.Getenv("PIWAY_LONG") != "" {
		n = 300
	}
	if testing.Short() {
		n = 20
	}
	r, keys := startTLS(t, func(c *broker.Config) {
		c.MaxConnections, c.MaxPerAddress = n, n
		c.Handle = func(_ string, _ []byte, done func(error)) { done(nil) }
	})
	certs := make([]*tls.Certificate, n)
	for i := range certs {
		certs[i] = newKey(t)
		keys.set(certs[i], fmt.Sprint("pi", i), false)
	}
	stop := make(chan struct{})
	var flood sync.WaitGroup
	for range 4 {
		flood.Go(func() { floodHellos(r.AddrTLS(), stop) })
	}
	begun := time.Now()
	var all sync.WaitGroup
	for _, cert := range certs {
		all.Go(func() {
			for {
				conn, err := connectOnce(r.AddrTLS(), cert)
				if err == nil {
					t.Cleanup(func() { _ = conn.Close() })
					return
				}
				if time.Since(begun) > outlast {
					t.Errorf("not let in: %v", err)
					return
				}
				time.Sleep(time.Second) // as an agent does
			}
		})
	}
	all.Wait()
	took := time.Since(begun)
	close(stop)
	flood.Wait()
	c := r.Counts()
	t.Logf("%d clients in %s, counts %+v", n, took, c)
	if took > outlast || c.Open-c.Waiting != int64(n) || c.Waiting > 256 {
		t.Errorf("took %s, got counts %+v", took, c)
	}
	if got := len(r.log.String()); got > 10_000 {
		t.Errorf("the log has %d bytes", got)
	}
}

// floodHellos opens connections that send a hello and stay, as fast as they are taken, and forgets the older ones.
func floodHellos(addr net.Addr, stop chan struct{}) {
	ours, theirs := net.Pipe()
	go func() { _ = tls.Client(theirs, &tls.Config{InsecureSkipVerify: true}).Handshake() }()
	hello := make([]byte, 8<<10)
	n, err := ours.Read(hello)
	_ = ours.Close()
	if err != nil {
		return
	}
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	for {
		select {
		case <-stop:
			return
		default:
		}
		conn, err := net.Dial("tcp", addr.String())
		if err != nil {
			continue
		}
		_, _ = conn.Write(hello[:n])
		if open = append(open, conn); len(open) > 100 {
			_ = open[0].Close()
			open = open[1:]
		}
	}
}

// FuzzTLSDoor sends bytes to the TLS door, raw and behind a handshake, from the ClientHello to a PUBLISH. Whatever they
// are, the door goes on, and nothing is handled that has no good password.
func FuzzTLSDoor(f *testing.F) {
	good := login{user: "pi1", password: "hunter-pi1"}.bytes()
	f.Add(false, []byte("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"))
	f.Add(false, good)
	f.Add(true, append(append([]byte{}, good...), publishPacket("pi/pi1/samples", "x", 1, 7)...))
	f.Add(true, login{user: "pi1", password: "guess"}.bytes())
	f.Add(true, []byte("POST /join HTTP/1.1\r\n\r\n"))
	log := new(testlog.Log)
	rig, _ := startTLS(f, func(c *broker.Config) {
		c.Log = slog.New(slog.DiscardHandler)
		c.Handle = func(device string, _ []byte, done func(error)) {
			if device != "pi1" {
				log.Write([]byte("handled of " + device + "\n")) //nolint:errcheck // never fails
			}
			done(nil)
		}
	})
	f.Fuzz(func(t *testing.T, secure bool, b []byte) {
		conn, err := net.Dial("tcp", rig.AddrTLS().String())
		if err != nil {
			t.Fatal(err)
		}
		raw := conn.(*net.TCPConn)
		if _ = conn.SetDeadline(time.Now().Add(patience)); secure {
			conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
		}
		_, _ = conn.Write(b) // perhaps closed on the way
		_ = raw.CloseWrite()
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("it stays open")
		}
		_ = raw.Close()
		if n := rig.Counts(); n.Panics > 0 || n.Waiting > 256 {
			t.Errorf("got counts %+v", n)
		}
		if log.String() != "" {
			t.Error(log)
		}
	})
}
