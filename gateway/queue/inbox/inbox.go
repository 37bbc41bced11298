// Package inbox gathers what many senders ask for, so that one fsync serves them all.
//
// Its promise: what is put in comes out in order, once; after Close it is refused instead, and nothing is forgotten in
// between.
package inbox

import "time"

const (
	// pending is how many may wait; a full box holds the senders' readers back.
	pending = 4096
	// most of them come out together.
	most = 512
	// enough share an fsync well; they are not kept waiting, so that the senders they answer work on the next ones while
	// these are committed.
	enough = 128
	// linger is what is waited for company once there is some. A lone sender is not kept waiting.
	linger = 2 * time.Millisecond
	// gap without company ends it: all who wait are there.
	gap = linger / 8
)

// A Box is safe for concurrent use, but that one goroutine takes things out.
type Box[T any] struct {
	in     chan T
	closed chan struct{}
	refuse func(T)
}

// New returns a box that calls refuse with what is put in after Close, or was never taken out.
func New[T any](refuse func(T)) *Box[T] {
	return &Box[T]{in: make(chan T, pending), closed: make(chan struct{}), refuse: refuse}
}

// Put puts one in; it blocks while too much is waiting, and returns false if until was closed meanwhile: then it is
// neither in nor refused. A nil until is never closed.
func (b *Box[T]) Put(one T, until <-chan struct{}) bool {
	select {
	case <-b.closed:
		b.refuse(one)
		return true
	case b.in <- one:
	default:
		select {
		case <-b.closed:
			b.refuse(one)
			return true
		case b.in <- one:
		case <-until:
			return false
		}
	}
	// It may have been closed between the two cases; then nobody takes anything out any more.
	select {
	case <-b.closed:
		b.refuseRest()
	default:
	}
	return true
}

// Close refuses what is still in, and what comes.
func (b *Box[T]) Close() {
	close(b.closed)
	b.refuseRest()
}

// Closed is closed by Close.
func (b *Box[T]) Closed() <-chan struct{} { return b.closed }

func (b *Box[T]) refuseRest() {
	for {
		select {
		case one := <-b.in:
			b.refuse(one)
		default:
			return
		}
	}
}

// Next has the next one.
func (b *Box[T]) Next() <-chan T { return b.in }

// Take adds to some what is there.
func (b *Box[T]) Take(some []T) []T {
	for len(some) < most {
		select {
		case one := <-b.in:
			some = append(some, one)
		default:
			return some
		}
	}
	return some
}

// Full reports whether no more come out together.
func (b *Box[T]) Full(some []T) bool { return len(some) >= most }

// Gather adds to some what is there, and lingers for more while the senders keep it busy.
func (b *Box[T]) Gather(some []T) []T {
	some = b.Take(some)
	if len(some) < 2 {
		return some
	}
	end := time.Now().Add(linger)
	t := time.NewTimer(gap)
	defer t.Stop()
	for len(some) < enough {
		select {
		case one := <-b.in:
			some = b.Take(append(some, one))
			t.Reset(min(gap, time.Until(end)))
		case <-t.C:
			return some
		}
	}
	return some
}
