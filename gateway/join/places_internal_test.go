package join

import (
	"io"
	"runtime"
	"testing"
)

// Who holds all places open without a word costs nobody else's.
func TestPlaces_silent(t *testing.T) {
	r := newRig(t)
	var ends []chan struct{}
	for range r.places.max {
		client, served := r.dial(guest)
		defer func() { _ = client.Close() }() // closed by now
		ends = append(ends, served)
		await(r, len(ends))
	}
	other, otherServed := r.dial("192.168.1.67") // as silent, and alone
	<-ends[0]
	if g := r.send(pi, post(t, r.invite("kitchen"), newKey(t))); g.status != 200 {
		t.Errorf("got %+v", g)
	}
	<-ends[1]
	select {
	case <-otherServed:
		t.Error("one that is alone made room for one of many")
	default:
	}
	_ = other.Close()
	<-otherServed
	if n := len(r.places.open); n != r.places.max-2 {
		t.Errorf("%d places are held", n)
	}
}

// await returns when so many have a place.
func await(r *rig, n int) {
	for {
		r.places.mu.Lock()
		have := len(r.places.open)
		r.places.mu.Unlock()
		if have == n {
			return
		}
		runtime.Gosched()
	}
}

// Whose request is whole keeps its connection, and takes no place.
func TestPlaces_whole(t *testing.T) {
	r := newRig(t)
	r.places.max = 1
	came, goOn := make(chan struct{}), make(chan struct{})
	r.before = func() { came <- struct{}{}; <-goOn }
	client, served := r.dial(pi)
	go func() { _, _ = io.WriteString(client, post(t, r.invite("kitchen"), newKey(t))) }()
	<-came
	if n := r.came.Load(); n != 1 {
		t.Errorf("whole was called %d times", n)
	}
	silent, closed := r.dial(pi)
	await(r, 1)
	close(goOn)
	if g := receive(t, client); g.status != 200 {
		t.Errorf("got %+v", g)
	}
	<-served
	_ = silent.Close()
	<-closed
}
