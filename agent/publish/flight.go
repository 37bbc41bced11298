package publish

import (
	"sync"
	"time"

	"piway/shared/mqttlink"
	"piway/shared/sample"
)

// name is what the gateway knows a report by.
type name struct {
	run string
	seq int64
}

// A flight is a report that was published and not acknowledged yet.
type flight struct {
	name
	pos      uint64
	samples  int
	bytes    int // of its JSON
	delivery *mqttlink.Delivery
	sent     time.Time
	alone    bool // nothing else was on its way
}

// inFlight bounds the flights: each has a slot from before its publish until it is acknowledged.
type inFlight struct {
	slots   chan struct{}
	flights chan flight
	narrow  bool    // it begins with one report alone
	stuck   *flight // of which settle had no acknowledgement

	mu      sync.Mutex // guards what follows
	under   map[name]bool
	refused map[name]bool // by its size, of those under way
}

// newInFlight returns one of a size. A narrow one has one slot until widen.
func newInFlight(size int, narrow bool) *inFlight {
	w := &inFlight{
		slots: make(chan struct{}, size), flights: make(chan flight, size), narrow: narrow,
		under: map[name]bool{}, refused: map[name]bool{},
	}
	for i := 1; narrow && i < size; i++ {
		w.slots <- struct{}{}
	}
	return w
}

// widen frees the slots that narrow took.
func (w *inFlight) widen() {
	for range cap(w.slots) - 1 {
		<-w.slots
	}
}

// rest returns the flights that are not settled, oldest first. Nobody may publish any more.
func (w *inFlight) rest() (flights []flight) {
	if w.stuck != nil {
		flights = append(flights, *w.stuck)
	}
	for {
		select {
		case f := <-w.flights:
			flights = append(flights, f)
		default:
			return flights
		}
	}
}

// begin notes a report before it is published, so that what is told of it finds it.
func (w *inFlight) begin(n name) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.under[n] = true
}

// end forgets a report, and returns whether it was refused.
func (w *inFlight) end(n name) (refused bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	refused = w.refused[n]
	delete(w.under, n)
	delete(w.refused, n)
	return refused
}

// learn takes note of what the gateway refused by its size. What is not under way is of no use: it is forgotten already.
func (w *inFlight) learn(payload []byte) {
	r, err := sample.DecodeRejection(payload)
	if err != nil || !r.ForSize() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := (name{r.Run, r.Seq}); w.under[n] {
		w.refused[n] = true
	}
}
