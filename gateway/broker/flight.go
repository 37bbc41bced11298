package broker

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Bounds of the bytes in flight: of publishes that arrived and are not answered.
const (
	maxInFlight          = 64 << 20
	maxInFlightPerDevice = 1 << 20
	// besides is what a publish takes beside its payload until it is answered.
	besides = 256
)

// A flight bounds the bytes in flight, of each device and in all. Who finds no room waits in line, and first in that of
// its own device: so a device that sends more than is committed holds nothing that others wait for.
type flight struct {
	all        *semaphore.Weighted
	most, each int64
	ending     context.Context // of all that waits
	end        context.CancelFunc

	mu     sync.Mutex // guards shares
	shares map[string]*share
}

// A share is one device's, while anything of it is in flight or waits.
type share struct {
	bytes *semaphore.Weighted
	users int
}

func newFlight(most, each int64) *flight {
	f := &flight{all: semaphore.NewWeighted(most), most: most, each: each, shares: map[string]*share{}}
	f.ending, f.end = context.WithCancel(context.Background())
	return f
}

// weigh is what a payload of n bytes counts in a bound: one that is larger than all of it counts as all of it, and goes
// alone.
func weigh(n int, bound int64) int64 { return min(int64(n)+besides, bound) }

// enter waits for room for a payload of n bytes; call leave when it is answered. waits is called before it waits. False
// means that the broker closes.
func (f *flight) enter(device string, n int, waits func()) bool {
	f.mu.Lock()
	s := f.shares[device]
	if s == nil {
		s = &share{bytes: semaphore.NewWeighted(f.each)}
		f.shares[device] = s
	}
	s.users++
	f.mu.Unlock()
	if !f.acquire(s.bytes, weigh(n, f.each), waits) {
		f.forget(device)
		return false
	}
	if !f.acquire(f.all, weigh(n, f.most), waits) {
		s.bytes.Release(weigh(n, f.each))
		f.forget(device)
		return false
	}
	return true
}

func (f *flight) acquire(from *semaphore.Weighted, n int64, waits func()) bool {
	if from.TryAcquire(n) {
		return true
	}
	waits()
	return from.Acquire(f.ending, n) == nil
}

// leave gives back what enter took. It does not block.
func (f *flight) leave(device string, n int) {
	f.all.Release(weigh(n, f.most))
	f.forget(device).Release(weigh(n, f.each))
}

// forget counts a user of a share less, and drops it with its last.
func (f *flight) forget(device string) *semaphore.Weighted {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.shares[device]
	if s.users--; s.users == 0 {
		delete(f.shares, device)
	}
	return s.bytes
}
