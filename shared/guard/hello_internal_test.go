package guard

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// A hello is whole at its last record's end, however it is cut into records and reads.
func TestHelloSize(t *testing.T) {
	message := append([]byte{1, 0, 1, 0}, make([]byte, 256)...)
	for _, step := range []int{1, 3, 4, 5, 100, 260} {
		var wire []byte
		for part := range slices.Chunk(message, step) {
			wire = append(append(wire, 0x16, 3, 1, 0, byte(len(part))), part...)
		}
		if step > 255 {
			wire = append([]byte{0x16, 3, 1, 1, 4}, message...)
		}
		for n := range wire {
			if size, err := helloSize(wire[:n]); err != nil || size != 0 && size != len(wire) {
				t.Fatalf("records of %d, %d of %d bytes: got %d, %v", step, n, len(wire), size, err)
			}
		}
		if size, err := helloSize(append(wire, "behind"...)); err != nil || size != len(wire) {
			t.Errorf("records of %d: got %d of %d, %v", step, size, len(wire), err)
		}
	}
}

// chunks is a connection on which a stream comes in pieces.
type chunks struct {
	net.Conn
	rest []byte
	step int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.rest[:min(c.step, len(c.rest))])
	c.rest = c.rest[n:]
	return n, nil
}

// Whatever comes is read to the end of a hello, within the bound, or refused; how it is cut makes no difference.
func FuzzReadHello(f *testing.F) {
	f.Add([]byte("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00behind"))
	f.Add([]byte("\x16\x03\x01\x00\x01\x01\x16\x03\x01\x00\x04\x00\x00\x01\x00"))
	f.Add([]byte("\x10\x0c\x00\x04MQTT"))
	f.Add([]byte{0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc})
	crumbs := []byte("\x16\x03\x01\x00\x04\x01\x00\x3e\x80")
	for range 16000 { // a hello that is not too long, in records of a byte
		crumbs = append(crumbs, 0x16, 3, 1, 0, 1, 0)
	}
	f.Add(crumbs)
	f.Fuzz(func(t *testing.T, b []byte) {
		var sizes [2]int
		var errs [2]error
		for i, step := range []int{1, 1 << 20} {
			got, err := readHello(&chunks{rest: b, step: step})
			if err == nil && !bytes.HasPrefix(b, got) {
				t.Fatalf("got %q", got)
			}
			if err == nil {
				sizes[i], _ = helloSize(got)
				if sizes[i] == 0 || sizes[i] > maxHello || len(got) > 2*maxHello {
					t.Fatalf("got %d bytes, a hello of %d", len(got), sizes[i])
				}
			}
			errs[i] = err
		}
		if sizes[0] != sizes[1] || (errs[0] == nil) != (errs[1] == nil) {
			t.Errorf("got %v, %v", sizes, errs)
		}
	})
}

// Slots go to who goes on first, then to who comes back, then to who begins, each in turn.
func TestSlots(t *testing.T) {
	s := slots{free: 2}
	s.take(begins)
	s.take(goesOn)
	order := make(chan string)
	turns := map[byte]turn{'b': begins, 'c': comesBack, 'g': goesOn}
	for _, who := range []string{"begins 1", "comes 1", "begins 2", "goes on 1", "comes 2", "goes on 2"} {
		before := waits(&s)
		go func() {
			s.take(turns[who[0]])
			order <- who
			s.give()
		}()
		for begun := time.Now(); waits(&s) == before; {
			if time.Since(begun) > 20*time.Second {
				t.Fatal(errors.New("it does not wait"))
			}
		}
	}
	s.give() // one slot is in use, so they come one by one
	for _, want := range []string{"goes on 1", "goes on 2", "comes 1", "comes 2", "begins 1", "begins 2"} {
		if got := <-order; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	s.give()
	s.take(goesOn)
	s.take(goesOn) // all came back
}

func waits(s *slots) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.lines {
		n += len(line)
	}
	return n
}

// Who was admitted from an address is known by it, however many others are.
func TestListener_know(t *testing.T) {
	l := &Listener{known: map[netip.Addr]bool{}}
	for i := range 3 * maxKnown {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		l.know(a)
		c := &Conn{l: l, host: a}
		if len(l.known) > maxKnown || c.turn() != comesBack {
			t.Fatalf("%d known, %s is not", len(l.known), a)
		}
	}
	l.opt.MaxConns, l.hosts, l.nets = 1, map[netip.Addr]int{}, map[netip.Prefix]int{}
	c := &Conn{l: l, host: netip.MustParseAddr("192.0.2.2"), state: judged}
	if err := c.Admit(); err != nil || c.turn() != comesBack {
		t.Errorf("%v; who was admitted is not known", err)
	}
	if stranger := (&Conn{l: l, host: netip.MustParseAddr("192.0.2.1")}); stranger.turn() != begins {
		t.Error("a stranger is known")
	}
}
