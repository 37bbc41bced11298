package guard

import (
	"errors"
	"fmt"
)

// TooLargeError is a packet over Options.MaxPacket.
type TooLargeError struct {
	// Bytes it was announced with.
	Bytes int
}

func (e TooLargeError) Error() string { return fmt.Sprintf("a packet of %d bytes", e.Bytes) }

var errMalformed = errors.New("a packet's length is malformed")

// maxLength is how many bytes a packet's length takes at most [MQTT-2.2.3].
const maxLength = 4

// frames follows packets in a stream of bytes, to know the size of each before it is read into memory.
type frames struct {
	max   int   // bytes of a packet
	left  int   // bytes of the packet in hand
	head  int   // bytes of a header that is not whole
	size  int   // what it announces so far
	ended error // what came of the stream
}

// follow returns how much of p lies in packets within the bound, and why that is not all of it.
func (f *frames) follow(p []byte) (int, error) {
	begin := 0 // of the packet in hand
	for i := 0; i < len(p) && f.ended == nil; {
		if f.left > 0 {
			n := min(f.left, len(p)-i)
			f.left -= n
			i += n
			continue
		}
		b := p[i]
		i++
		f.head++
		switch {
		case f.head == 1:
			begin, f.size = i-1, 0
			continue
		case f.head > 1+maxLength:
			f.ended = errMalformed
		}
		f.size |= int(b&0x7f) << (7 * (f.head - 2))
		if b >= 0x80 {
			continue
		}
		if f.size+1 > f.max { // as the library counts
			f.ended = TooLargeError{f.head + f.size}
		}
		f.left, f.head = f.size, 0
	}
	if f.ended != nil {
		return begin, f.ended
	}
	return len(p), nil
}
