package broker

import (
	"fmt"
	"testing"

	"piway/shared/guard"
)

// What is kept of devices that have gone is bounded: the one that was gone for longest is forgotten.
func TestBroker_keep_isBounded(t *testing.T) {
	b := &Broker{past: map[string]Seen{}}
	for i := range maxPast + 10 {
		s := &session{Conn: new(guard.Conn), device: fmt.Sprint(i)}
		s.heard.Store(int64(i))
		b.keep(s)
	}
	_, first := b.past["9"]
	_, next := b.past["10"]
	if len(b.past) != maxPast || first || !next {
		t.Errorf("%d are kept, the oldest: %v, the next: %v", len(b.past), first, next)
	}
	older := &session{Conn: new(guard.Conn), device: "100"}
	b.keep(older)
	if b.past["100"].Ago != 100 {
		t.Errorf("an older session counts: got %+v", b.past["100"])
	}
}
