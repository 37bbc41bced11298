package spool_test

import (
	"testing"
	"time"
)

// What waits goes to the disk in time, though readings are hours apart, and not if it is acknowledged before.
func TestSpool_longInterval(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, s *shelf) {
		s.read()
		time.Sleep(after / 2)
		s.wantAll(1, 1)
		time.Sleep(time.Hour)
		if got := s.files(); got != nil {
			t.Errorf("files, though all is acknowledged: %q", got)
		}
		s.read()
		time.Sleep(after + time.Second)
		if got := s.files(); len(got) != 1 {
			t.Errorf("files of a reading that waits: %q", got)
		}
		s.restart("b", true)
		s.wantAll(2, 2)
	})
}
