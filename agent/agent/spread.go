package agent

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"sync"
	"time"

	"piway/agent/spool"
	"piway/shared/sample"
)

// maxOffset is half of the gateway's default rollup.grace.
const maxOffset = 5 * time.Second

// offset is how long after a reading a device sends it, so that many that read on the same multiples do not speak at
// once. It is the device's own and always the same, below half an interval, for a reading must be sent before the next
// one, and then comes before the end of its window; and below half of the time after which what waits goes to the disk.
func offset(cfg Config) time.Duration {
	most := min(maxOffset, cfg.Collect.Interval/2, cfg.Spool.After/2)
	sum := sha256.Sum256([]byte(cfg.Name()))
	share, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:]), uint64(max(most, 0)))
	return time.Duration(share) //nolint:gosec // below most
}

// A spread is a spool that hands out a reading no sooner than offset after it was added. A backlog does not wait: its
// devices connect at times of their own.
type spread struct {
	*spool.Spool
	offset time.Duration
	hurry  <-chan struct{} // closed when nothing is to wait any more

	mu     sync.Mutex // guards what follows
	newest float64    // the time of the last reading
	due    time.Time  // when it may go
}

// Add is the spool's.
func (s *spread) Add(reading sample.Report) {
	s.mu.Lock()
	s.newest, s.due = sample.Newest(reading.Samples), time.Now().Add(s.offset)
	s.mu.Unlock()
	s.Spool.Add(reading)
}

// Next is the spool's. It returns the last reading when that may go.
func (s *spread) Next(ctx context.Context, after uint64) (uint64, sample.Report, error) {
	pos, r, err := s.Spool.Next(ctx, after)
	if err != nil {
		return pos, r, err
	}
	s.mu.Lock()
	wait := time.Until(s.due)
	if sample.Newest(r.Samples) != s.newest {
		wait = 0
	}
	s.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.hurry:
	case <-ctx.Done():
	}
	return pos, r, ctx.Err()
}
