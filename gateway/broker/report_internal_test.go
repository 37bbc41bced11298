package broker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"

	mqtt "github.com/mochi-mqtt/server/v2"

	"piway/shared/guard"
	"piway/shared/tell"
)

func publishOf(head byte, topic, payload string, id uint16) []byte {
	body := append([]byte{byte(len(topic) >> 8), byte(len(topic))}, topic...)
	if head&0b110 != 0 {
		body = binary.BigEndian.AppendUint16(body, id)
	}
	body = append(body, payload...)
	return append(binary.AppendUvarint([]byte{head}, uint64(len(body))), body...)
}

// However a stream is cut, the session takes the reports of it, the library gets all else, and no report is taken
// before the library has read what came earlier.
func TestSession_Read(t *testing.T) {
	large, longTopic := strings.Repeat("x", 3*readSize), strings.Repeat("t", 2*readSize)
	stream := []byte{0x10, 0}       // what is sent; CONNECT is read by the guard first
	library := slices.Clone(stream) // what of it the library is to read
	var want []string
	for _, p := range []struct {
		packet []byte
		report string
	}{
		{publishOf(reportHead, "pi/a/samples", "one", 1), "one"},
		{[]byte{0xC0, 0}, ""}, // PINGREQ
		{publishOf(reportDup, "pi/a/samples", "again", 1), "again"},
		{publishOf(reportHead, "script", large, 0x0102), large},
		{publishOf(reportHead, "pi/a/samples", large, 0), ""},        // no packet id
		{publishOf(reportHead, "pi/a/status", "status", 2), ""},      // not a report
		{publishOf(reportHead, "pi/b/samples", "of another", 2), ""}, // nor this
		{publishOf(0x30, "pi/a/samples", "QoS 0", 0), ""},
		{publishOf(0x33, "pi/a/samples", "retained", 3), ""},
		{publishOf(0x34, "pi/a/samples", "QoS 2", 3), ""},
		{publishOf(reportHead, longTopic, "a long topic", 4), ""},
		{[]byte{reportHead, 3, 0, 12, 'p'}, ""}, // cut off
		{[]byte{reportHead, 0}, ""},
		{[]byte{reportHead, 1, 0}, ""}, // and these
		{publishOf(reportHead, "pi/a/samples", "", 5), "(none)"},
		{publishOf(reportHead, "pi/a/samples", "last", 6), "last"},
		{[]byte{reportHead, 100, 0, 12, 'p', 'i'}, ""}, // and no more
	} {
		stream = append(stream, p.packet...)
		if p.report == "" {
			library = append(library, p.packet...)
			continue
		}
		want = append(want, fmt.Sprint(strings.TrimPrefix(p.report, "(none)"), " behind ", len(library)))
	}
	for _, step := range []int{1, 2, 3, 7, 1000, readSize, len(stream)} {
		var got []string
		var read bytes.Buffer
		take := func(payload []byte) { got = append(got, fmt.Sprint(string(payload), " behind ", read.Len())) }
		serveStream(t, stream, step, take, func(s *session) {
			buf := make([]byte, libraryReadSize)
			for n, err := s.Read(buf); ; n, err = s.Read(buf) {
				if read.Write(buf[:n]); err == nil {
					continue
				}
				if !errors.Is(err, io.EOF) {
					t.Errorf("by %d: %v", step, err)
				}
				break
			}
		})
		if !bytes.Equal(read.Bytes(), library) || !slices.Equal(got, want) {
			t.Errorf("by %d: the library read %d bytes of %d; taken were %.200q, want %.200q", step, read.Len(), len(library),
				got, want)
		}
	}
}

// serveStream serves an admitted session of which the client sends a stream in chunks, and leaves.
func serveStream(t *testing.T, stream []byte, step int, take func([]byte), serve func(*session)) {
	t.Helper()
	b := &Broker{log: tell.New(slog.New(slog.DiscardHandler)), flight: newFlight(maxInFlight, maxInFlightPerDevice)}
	b.cfg = Config{
		MaxPending: 1, ScriptTopics: []string{"script"},
		Handle: func(_ string, payload []byte, done func(error)) { take(payload); done(nil) },
	}
	ours, theirs := net.Pipe()
	in := pipe{conn: make(chan net.Conn, 1)}
	in.conn <- ours
	l := guard.Wrap(in, guard.Options{MaxFirst: 10, MaxPacket: 1 << 20, Log: b.log})
	go func() {
		for chunk := range slices.Chunk(stream, step) {
			_, _ = theirs.Write(chunk) // fails when the test has
		}
		_ = theirs.Close() // ends the stream
	}()
	l.Serve(func(c *guard.Conn) error {
		s := newSession(b, c)
		s.device, s.admitted, s.ended, s.client = "a", true, true, &mqtt.Client{}
		s.client.State.Keepalive = maxKeepAlive
		s.samples, s.status = "pi/a/samples", "pi/a/status"
		serve(s)
		return l.Close()
	})
}

// Whatever a client sends, the library gets of it what is no report, in order; how it is cut changes nothing.
func FuzzSession_Read(f *testing.F) {
	f.Add(slices.Concat([]byte{0x10, 0}, publishOf(reportHead, "pi/a/samples", "one", 1), []byte{0xC0, 0}), 3)
	f.Add(slices.Concat([]byte{0x10, 0}, publishOf(reportDup, "script", "again", 2), []byte{reportHead, 3, 0, 12, 'p'}), 1)
	f.Add([]byte{0x10, 0, reportHead, 0x80, 0x80, 0x01}, 2)
	f.Fuzz(func(t *testing.T, stream []byte, step int) {
		if len(stream) < 2 || len(stream) > 4*readSize || stream[0] != 0x10 || stream[1] != 0 {
			return // the guard reads the first packet
		}
		serve := func(step int) (library []byte, reports string) {
			serveStream(t, stream, step, func(p []byte) { reports += fmt.Sprintf("%q ", p) }, func(s *session) {
				library, _ = io.ReadAll(io.Reader(s)) // ends where the guard ends it, or the stream
			})
			return library, reports
		}
		library, reports := serve(len(stream))
		cut, again := serve(max(1, step%len(stream)))
		if !bytes.HasPrefix(library, cut) && !bytes.HasPrefix(cut, library) || len(cut) == len(library) && again != reports {
			t.Errorf("the library read %q and %q, taken were %s and %s", library, cut, reports, again)
		}
		rest := stream
		for _, b := range library {
			i := bytes.IndexByte(rest, b)
			if i < 0 {
				t.Fatalf("the library read %q of %q", library, stream)
			}
			rest = rest[i+1:]
		}
	})
}
