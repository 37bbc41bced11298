package mqttlink

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeepAliveOf_is_what_brokers_keep_to(t *testing.T) {
	t.Parallel()
	for give, want := range map[time.Duration]time.Duration{
		0: 30 * time.Second, -time.Second: time.Second, time.Millisecond: time.Second, 2500 * time.Millisecond: 2 * time.Second,
		time.Minute: time.Minute, time.Hour: 20 * time.Minute, 48 * time.Hour: 20 * time.Minute,
	} {
		if got := keepAliveOf(Options{KeepAlive: give}); got != want {
			t.Errorf("keep-alive %s: got %s, want %s", give, got, want)
		}
	}
}

// A peer is a broker of a pipe: it accepts, and answers as many pings as it is told to.
type peer struct {
	net.Conn

	connect []byte
	pings   []time.Time // when they came
	pongs   int         // how many it answers
	mute    bool        // it acknowledges nothing
	packets int         // that came beside them
}

func (p *peer) serve(t *testing.T) {
	for {
		var head [2]byte
		if _, err := io.ReadFull(p, head[:]); err != nil {
			return
		}
		body := make([]byte, head[1]) // short ones only
		if _, err := io.ReadFull(p, body); err != nil {
			return
		}
		answer := []byte{}
		switch head[0] >> 4 {
		case typeConnect:
			p.connect, answer = body, []byte{0x20, 2, 0, 0}
		case typePublish:
			id := 2 + int(binary.BigEndian.Uint16(body))
			if p.packets++; !p.mute {
				answer = append([]byte{0x40, 2}, body[id:id+2]...)
			}
		case typePingreq:
			p.pings = append(p.pings, time.Now())
			if len(p.pings) <= p.pongs {
				answer = []byte{typePingresp << 4, 0}
			}
		}
		if _, err := p.Write(answer); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
	}
}

// kept is a link to a peer, with a keep-alive of half a minute.
func kept(t *testing.T, pongs int) (*Link, *peer) {
	t.Helper()
	ours, theirs := net.Pipe()
	p := &peer{Conn: theirs, pongs: pongs}
	go p.serve(t)
	l, err := handshake(t.Context(), newWire(ours), Options{Broker: "tcp://h", ClientID: "a", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return l, p
}

// Silence is ended by a ping each time it has lasted for the keep-alive, and a ping without an answer by the end.
func TestKeepAlive_silence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, p := kept(t, 2)
		defer l.Close()
		if want := []byte("\x00\x04MQTT\x04\x02\x00\x1e\x00\x01a"); !bytes.Equal(p.connect, want) {
			t.Errorf("got CONNECT %q, want %q", p.connect, want)
		}
		begin := time.Now()
		<-l.Lost()
		if got, want := time.Since(begin), 3*DefaultKeepAlive+pingTimeout; got != want {
			t.Errorf("lost after %v, want %v", got, want)
		}
		synctest.Wait()
		if !errors.Is(l.Err(), errNoPong) {
			t.Errorf("got %v, want %v", l.Err(), errNoPong)
		}
		for i, at := range p.pings {
			if got, want := at.Sub(begin), time.Duration(i+1)*DefaultKeepAlive; got != want {
				t.Errorf("ping %d after %v, want %v", i, got, want)
			}
		}
	})
}

// Who speaks and is answered needs no ping, and wakes nobody between.
func TestKeepAlive_speaking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, p := kept(t, 0)
		defer l.Close()
		for range 20 {
			time.Sleep(DefaultKeepAlive - time.Millisecond)
			<-l.Publish("t", []byte("x")).Done()
		}
		synctest.Wait()
		if len(p.pings) > 0 || p.packets != 20 || l.Err() != nil {
			t.Errorf("got %d pings beside %d packets, %v; want none", len(p.pings), p.packets, l.Err())
		}
	})
}

// Who speaks and hears nothing pings, as a dead broker must be noticed however much goes to it.
func TestKeepAlive_unanswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, p := kept(t, 0)
		defer l.Close()
		p.mute = true
		begin := time.Now()
		for range 4 {
			l.Publish("t", []byte("x"))
			time.Sleep(DefaultKeepAlive/3 - time.Second)
		}
		<-l.Lost()
		if got, want := time.Since(begin), DefaultKeepAlive+pingTimeout; got != want || !errors.Is(l.Err(), errNoPong) {
			t.Errorf("lost after %v by %v, want %v by %v", got, l.Err(), want, errNoPong)
		}
	})
}

// Who only listens pings, since the broker would not know that it is there.
func TestKeepAlive_listening(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, p := kept(t, 10)
		defer l.Close()
		for range 10 {
			time.Sleep(DefaultKeepAlive / 2)
			if _, err := p.Write([]byte("\x30\x03\x00\x01t")); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if len(p.pings) != 5 || l.Err() != nil {
			t.Errorf("got %d pings, %v; want 5", len(p.pings), l.Err())
		}
	})
}
