// Package held is which passes are in hand: each is sent by one forwarder at a time, and nothing else changes it.
package held

import (
	"sync"

	"piway/gateway/pass"
)

// A Set holds the passes that are returned and not settled: they are not returned again, not thinned, not dated again,
// and dropped after all others. The zero value is empty; its methods are safe for concurrent use.
type Set struct {
	// Picking is held while a pass is picked, and by a transaction from where it changes passes that are not in the set.
	Picking sync.Mutex

	mu     sync.Mutex
	starts map[int64]struct{}
}

// Take puts a pass into the set.
func (s *Set) Take(start int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.starts == nil {
		s.starts = map[int64]struct{}{}
	}
	s.starts[start] = struct{}{}
}

// Has reports whether a pass is in the set.
func (s *Set) Has(start int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.starts[start]
	return ok
}

// Give takes a pass out of the set.
func (s *Set) Give(start int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.starts, start)
}

// Settled takes out what is not sent on.
func (s *Set) Settled(done []pass.Done, moved []pass.Pass) {
	for _, d := range done {
		s.Give(d.Pass.Start)
	}
	for _, p := range moved {
		if p.Shelved {
			s.Give(p.Start)
		}
	}
}
