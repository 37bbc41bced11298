package world

import (
	"context"
	"fmt"
	"sync"

	"piway/localcore/cloudwatch"
)

// A Book counts the datums that CloudWatch took, each by its name and value.
type Book struct {
	mu      sync.Mutex // guards the fields below
	seen    map[string]int
	changed chan struct{}
}

// NewBook returns an empty one.
func NewBook() *Book { return &Book{seen: map[string]int{}, changed: make(chan struct{})} }

// Add books a datum.
func (b *Book) Add(d cloudwatch.Datum) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen[fmt.Sprint(d.Name, " ", d.Value)]++
	close(b.changed)
	b.changed = make(chan struct{})
}

// Wait returns true when n different datums have arrived, false when ctx ends before.
func (b *Book) Wait(ctx context.Context, n int) bool {
	for {
		b.mu.Lock()
		changed, have := b.changed, len(b.seen)
		b.mu.Unlock()
		if have >= n {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// Distinct is how many different ones arrived.
func (b *Book) Distinct() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.seen)
}

// Twice is how often one arrived again.
func (b *Book) Twice() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, times := range b.seen {
		n += times - 1
	}
	return n
}
