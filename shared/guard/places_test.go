package guard_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// Who is in a handshake and goes on is not thrown out by who opens sockets and says nothing, beyond a quarter of the
// places of its network.
func TestHands_progressKeepsItsPlace(t *testing.T) {
	t.Parallel()
	in := newPipes()
	d := wrap(t, in, optionsTLS(t), echo)
	// stop holds each client when it has its answer, so that it is the client's turn.
	stop := make(chan struct{})
	var all []*held
	for i := range 16 {
		all = append(all, hold(t, in.from(t, fmt.Sprintf("192.0.2.1:%d", 1000+i)), stop))
	}
	for i := range 200 {
		_ = in.from(t, fmt.Sprintf("192.0.2.1:%d", 2000+i))
	}
	close(stop)
	lost := 0
	for _, h := range all {
		if err := <-h.done; err != nil {
			lost++
		}
	}
	if lost > 4 || d.Counts().Evicted < 190 {
		t.Errorf("%d of 16 were thrown out, got counts %+v", lost, d.Counts())
	}
}

// Who has just come is not thrown out by those who send a hello and go no further, however many they are and however
// fresh.
func TestHands_newcomerBesideHellos(t *testing.T) {
	t.Parallel()
	in := newPipes()
	d := wrap(t, in, optionsTLS(t), echo)
	hello := helloText(t)
	greet := func(i int) {
		conn := in.from(t, fmt.Sprintf("192.0.2.1:%d", 1000+i))
		if _, err := conn.Write(hello); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil { // of the answer
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, conn) }() // ends when the test closes it
	}
	for i := range 16 {
		greet(i)
	}
	honest := in.from(t, "192.0.2.1:1")
	for i := range 50 {
		greet(100 + i)
	}
	mustServe(t, client(honest))
	if n := d.Counts(); n.Evicted < 50 || n.Refused > 0 {
		t.Errorf("got counts %+v", n)
	}
}

// Who come back behind an address that has others logged in do not make room for somebody who greets from many.
func TestHands_behindOneAddress(t *testing.T) {
	t.Parallel()
	in := newPipes()
	d := wrap(t, in, optionsTLS(t), echo)
	for i := range 8 {
		mustServe(t, client(in.from(t, fmt.Sprintf("192.0.2.1:%d", 1000+i))))
	}
	stop := make(chan struct{})
	var all []*held
	for i := range 4 {
		all = append(all, hold(t, in.from(t, fmt.Sprintf("192.0.2.1:%d", 2000+i)), stop))
	}
	text := helloText(t)
	for i := range 600 {
		conn := in.from(t, fmt.Sprintf("198.51.%d.%d:1", i/2/256, i/2%256)) // at most two of an address
		if _, err := conn.Write(text); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil { // of the answer
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, conn) }() // ends when the test closes it
	}
	close(stop)
	for _, h := range all {
		if err := <-h.done; err != nil {
			t.Errorf("thrown out: %v", err)
		}
	}
	if n := d.Counts(); n.Evicted < 300 {
		t.Errorf("got counts %+v", n)
	}
}

// held is a connection that waits before it writes a second time.
type held struct {
	net.Conn
	stop  chan struct{}
	got   chan struct{} // closed when an answer came
	once  sync.Once
	wrote int
	done  chan error
}

func (h *held) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.once.Do(func() { close(h.got) })
	return n, err
}

func (h *held) Write(p []byte) (int, error) {
	if h.wrote++; h.wrote > 1 {
		<-h.stop
	}
	return h.Conn.Write(p)
}

// hold shakes hands on a connection up to the server's answer, and goes on when stop is closed.
func hold(t *testing.T, conn net.Conn, stop chan struct{}) *held {
	t.Helper()
	h := &held{Conn: conn, stop: stop, got: make(chan struct{}), done: make(chan error, 1)}
	go func() {
		c := client(h)
		err := c.HandshakeContext(context.Background())
		if err == nil {
			_, err = c.Write(hello)
		}
		if err == nil {
			_, err = io.ReadFull(c, make([]byte, len(hello)))
		}
		h.done <- err
	}()
	<-h.got
	return h
}
