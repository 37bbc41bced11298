package mqttlink

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// Whatever comes, the library reads the same bytes, packet by packet, and nothing panics.
func FuzzIncoming(f *testing.F) {
	f.Add([]byte{0x20, 2, 0, 0, 0x30, 5, 0, 1, 't', 'h', 'i', 0x40, 2, 0, 1})
	f.Add([]byte{0x32, 3, 0, 1, 't', 0x30, 1, 0, 0x30, 0})
	f.Add([]byte{0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
	f.Add([]byte{0x30, 0x80, 0x80, 0x80, 0x01})
	f.Fuzz(func(t *testing.T, text []byte) {
		ours, theirs := net.Pipe()
		go func() {
			_, _ = theirs.Write(text) // the reader may have enough
			_ = theirs.Close()
		}()
		in := newIncoming(ours)
		in.listen("t", func(p []byte) {
			if len(p) > len(text) {
				t.Errorf("heard %d bytes of %d", len(p), len(text))
			}
		})
		got, _ := io.ReadAll(in) // it ends with what is no packet
		_ = ours.Close()
		if !bytes.HasPrefix(text, got) {
			t.Errorf("of %v got %v", text, got)
		}
	})
}
