package guard

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// However a stream is cut, the packets before one that is too large are read whole, and nothing of it.
func TestFrames_follow(t *testing.T) {
	packet := func(kind byte, size int) []byte {
		return append(binary.AppendUvarint([]byte{kind}, uint64(size)), make([]byte, size)...)
	}
	good := slices.Concat(packet(0x10, 7), packet(0xC0, 0), packet(0x32, 200), packet(0x30, 999))
	for name, tt := range map[string]struct {
		bad  []byte
		want error
	}{
		"too large":  {packet(0x30, 1000), TooLargeError{1003}},
		"huge":       {[]byte{0x30, 0xff, 0xff, 0xff, 0x7f}, TooLargeError{5 + 1<<28 - 1}},
		"no length":  {[]byte{0x30, 0xff, 0xff, 0xff, 0xff, 0xff}, errMalformed},
		"none of it": {nil, nil},
	} {
		stream := append(slices.Clone(good), tt.bad...)
		for step := 1; step <= len(stream); step++ {
			f, got := frames{max: 1000}, 0
			var why error
			for chunk := range slices.Chunk(stream, step) {
				n, err := f.follow(chunk)
				got += n
				if why = err; err != nil {
					break
				}
			}
			// Of a header that was cut the beginning is read already.
			if got < len(good) || got > len(good)+5 || !errors.Is(why, tt.want) {
				t.Fatalf("%s, by %d: got %d of %d bytes, %v", name, step, got, len(good), why)
			}
		}
	}
}

func TestRoomFor(t *testing.T) {
	for _, tt := range []struct{ files, waiting, want int }{{1024, 256, 640}, {20_000, 256, 19_616}, {100, 256, 1}} {
		if got := roomFor(tt.files, tt.waiting); got != tt.want {
			t.Errorf("%d files, %d waiting: got %d, want %d", tt.files, tt.waiting, got, tt.want)
		}
	}
}
