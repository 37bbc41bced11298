package guard

import "sync"

// slots bound the handshakes that are computed at once. Who goes on with one comes before who begins one, and each in
// turn.
type slots struct {
	mu   sync.Mutex // guards the fields below
	free int
	// Who waits, the first first.
	goOn, begin []chan struct{}
}

// take waits for a slot. No client can stretch that: who has one computes, and gives it back before it waits for bytes.
func (s *slots) take(goesOn bool) {
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return
	}
	turn := make(chan struct{})
	if goesOn {
		s.goOn = append(s.goOn, turn)
	} else {
		s.begin = append(s.begin, turn)
	}
	s.mu.Unlock()
	<-turn
}

// give gives a slot back, to the next.
func (s *slots) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := &s.goOn
	if len(*line) == 0 {
		line = &s.begin
	}
	if len(*line) == 0 {
		s.free++
		return
	}
	close((*line)[0])
	*line = (*line)[1:]
}
