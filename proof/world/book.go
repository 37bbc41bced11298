package world

import (
	"context"
	"sync"
)

// A Book knows what was acknowledged and what arrived how often, each by a key. Its zero value is an empty one; its
// methods are safe for concurrent use.
type Book[K comparable] struct {
	mu      sync.Mutex // guards the fields below
	all     map[K]entry
	counts  Counts
	changed chan struct{} // closed by the next change; nil while nobody waits
}

type entry struct {
	acked bool
	came  int
}

// Counts are those of a Book.
type Counts struct {
	Acked     int
	Delivered int // arrived, acknowledged or not
	Lost      int // acknowledged, and not arrived so far
	Twice     int // arrived again, each time counted
}

// Plus is the sum of two.
func (c Counts) Plus(d Counts) Counts {
	return Counts{c.Acked + d.Acked, c.Delivered + d.Delivered, c.Lost + d.Lost, c.Twice + d.Twice}
}

// Minus is what has come since an earlier count.
func (c Counts) Minus(d Counts) Counts {
	return c.Plus(Counts{-d.Acked, -d.Delivered, -d.Lost, -d.Twice})
}

// Acked books that something was acknowledged, for the first time or again.
func (b *Book[K]) Acked(key K) {
	b.change(key, func(e *entry) {
		if e.acked {
			return
		}
		e.acked = true
		b.counts.Acked++
		if e.came == 0 {
			b.counts.Lost++
		}
	})
}

// Came books an arrival.
func (b *Book[K]) Came(key K) {
	b.change(key, func(e *entry) {
		if e.came++; e.came > 1 {
			b.counts.Twice++
			return
		}
		b.counts.Delivered++
		if e.acked {
			b.counts.Lost--
		}
	})
}

func (b *Book[K]) change(key K, how func(*entry)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = map[K]entry{}
	}
	e := b.all[key]
	how(&e)
	b.all[key] = e
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// Counts are those of this moment.
func (b *Book[K]) Counts() Counts {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counts
}

// Lost returns something that was acknowledged and has not arrived, false if there is nothing.
func (b *Book[K]) Lost() (key K, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, e := range b.all {
		if e.acked && e.came == 0 {
			return key, true
		}
	}
	return key, false
}

// Wait returns true when it is so, false when ctx ends before.
func (b *Book[K]) Wait(ctx context.Context, so func(Counts) bool) bool {
	for {
		b.mu.Lock()
		if b.changed == nil {
			b.changed = make(chan struct{})
		}
		changed, counts := b.changed, b.counts
		b.mu.Unlock()
		if so(counts) {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
