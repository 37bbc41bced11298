package main

import (
	"math"
	"math/bits"
	"strings"
	"sync"
	"time"

	"piway/localcore/cloudwatch"
	"piway/proof/world"
)

// A tally knows of each sample whether its Pi got a PUBACK for it and whether CloudWatch has it. A datum may be the
// mean of several samples of a window; which, its value says. Its methods are safe for concurrent use.
type tally struct {
	load  load
	means map[int64]uint8 // the samples of a window, a bit each, by the mean of their values
	now   func() time.Time

	names map[string]seriesID     // by the metric's name in the cloud
	books [2]world.Book[sampleID] // of the backlog, and of what is live

	mu      sync.Mutex // guards the fields below
	live    int64      // windows from here on are live; 0: none yet
	strange int
	late    time.Duration
	last    time.Time
	first   time.Time // arrival since mark
	lastOld time.Time // arrival of the backlog since mark
	changed chan struct{}
}

type seriesID struct{ pi, metric int }

// counts are in samples, but for strange.
type counts struct {
	world.Counts

	strange int // datums that are no mean of the load's samples
	// late is how long after its window's end the latest live datum came, of windows that ended behind the first
	// arrival: those before it waited for the connection.
	late time.Duration
}

func newTally(l load, now func() time.Time) *tally {
	t := &tally{load: l, now: now, means: means(l.slots()), names: map[string]seriesID{}, changed: make(chan struct{})}
	for p := range l.pis {
		for m := range l.metrics {
			t.names[fullName(p, m)] = seriesID{p, m}
		}
	}
	return t
}

// means returns which samples of a window make which mean, in millionths.
func means(slots int) map[int64]uint8 {
	all := map[int64]uint8{}
	for set := 1; set < 1<<slots; set++ {
		// The value of a sample is its bit, so the sum of a set is the set itself.
		all[millionths(float64(set)/float64(bits.OnesCount(uint(set))))] = uint8(set)
	}
	return all
}

func millionths(v float64) int64 { return int64(math.Round(v * 1e6)) }

// book is that of a window. t.mu is held.
func (t *tally) book(window int64) *world.Book[sampleID] {
	if t.live == 0 || window < t.live {
		return &t.books[0]
	}
	return &t.books[1]
}

// ack books a sample that its Pi got a PUBACK for.
func (t *tally) ack(id sampleID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.book(id.window).Acked(id)
}

// took books a datum that CloudWatch took.
func (t *tally) took(d cloudwatch.Datum) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	window := d.Timestamp.Unix() - d.Timestamp.Unix()%int64(t.load.window/time.Second)
	series, known := t.names[inFull(d)]
	set := t.means[millionths(d.Value)]
	if !known || set == 0 {
		t.strange++
		return
	}
	for slot := range t.load.slots() {
		if set&(1<<slot) != 0 {
			t.book(window).Came(sampleID{series.pi, series.metric, window, slot})
		}
	}
	t.note(window, now)
}

// note keeps the times of arrivals. t.mu is held.
func (t *tally) note(window int64, now time.Time) {
	t.last = now
	if t.first.IsZero() {
		t.first = now
	}
	end := time.Unix(window, 0).Add(t.load.window)
	switch {
	case t.live == 0 || window < t.live:
		t.lastOld = now
	case !end.Before(t.first):
		t.late = max(t.late, now.Sub(end))
	}
	close(t.changed)
	t.changed = make(chan struct{})
}

// inFull is the name of a datum's metric with its Pi, which is a dimension in the emf form.
func inFull(d cloudwatch.Datum) string {
	for _, dim := range d.Dimensions {
		if dim.Name == "device" && !strings.HasSuffix(d.Name, ")") {
			return d.Name + " (" + dim.Value + ")"
		}
	}
	return d.Name
}

// goLive says that windows from this one on are no backlog.
func (t *tally) goLive(window int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live = window
}

// mark forgets when things arrived: the next arrival is the first.
func (t *tally) mark() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.first, t.lastOld, t.last = time.Time{}, time.Time{}, t.now()
}

// A look is what a tally shows at a moment.
type look struct {
	counts

	backlog              int // acknowledged samples of the backlog that have not arrived
	first, lastOld, last time.Time
	changed              <-chan struct{} // closed at the next arrival
}

func (t *tally) look() look {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.books[0].Counts()
	all := counts{old.Plus(t.books[1].Counts()), t.strange, t.late}
	return look{all, old.Lost, t.first, t.lastOld, t.last, t.changed}
}
