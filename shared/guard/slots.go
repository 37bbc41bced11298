package guard

import "sync"

// A turn is who comes before whom.
type turn int

const (
	begins    turn = iota // a handshake
	comesBack             // begins one from where somebody was admitted before
	goesOn                // with one
)

// slots bound the handshakes that are computed at once. Who goes on with one comes before who begins one, and of these
// who comes from where devices are before strangers; each in turn.
type slots struct {
	mu    sync.Mutex // guards the fields below
	free  int
	lines [goesOn + 1][]chan struct{} // who waits, the first first
}

// take waits for a slot. No client can stretch that: who has one computes, and gives it back before it waits for bytes.
func (s *slots) take(t turn) {
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return
	}
	yours := make(chan struct{})
	s.lines[t] = append(s.lines[t], yours)
	s.mu.Unlock()
	<-yours
}

// give gives a slot back, to the next.
func (s *slots) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := goesOn; t >= begins; t-- {
		if line := s.lines[t]; len(line) > 0 {
			close(line[0])
			s.lines[t] = line[1:]
			return
		}
	}
	s.free++
}
