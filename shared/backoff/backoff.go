// Package backoff spaces out retries: exponential, jittered, capped, reset by success.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// A Backoff says how long to wait before each next try.
// The zero value waits nothing; set Min and Max. It is not safe for concurrent use.
type Backoff struct {
	// Min is the least wait between two tries, and the first one.
	Min time.Duration
	// Max is the cap of the wait before jitter; jitter adds up to a half of it again.
	Max time.Duration

	next time.Duration
}

// Next returns how long to wait now and doubles the wait after it.
// The wait lies in [w, 1.5 w) for w = Min, 2 Min, 4 Min, … capped at Max, so that
// many devices that lost the same broker do not come back in step and none comes sooner than Min.
func (b *Backoff) Next() time.Duration {
	if b.next < b.Min {
		b.next = b.Min
	}
	wait := b.next
	b.next = min(2*b.next, max(b.Max, b.Min))
	if half := int64(wait / 2); half > 0 {
		wait += time.Duration(rand.Int64N(half)) //nolint:gosec // jitter, not a secret
	}
	return wait
}

// Reset makes the next wait Min again. Call it after a success.
func (b *Backoff) Reset() { b.next = 0 }

// Wait sleeps for Next, or until ctx ends, whose error it then returns.
func (b *Backoff) Wait(ctx context.Context) error {
	return Sleep(ctx, b.Next())
}

// Sleep waits for d, or until ctx ends, whose error it then returns.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
