package publish

import (
	"log/slog"
	"sync"
	"time"
)

const (
	refusalPause = 10 * time.Second // between two lines of the log
	refusalText  = 500              // bytes of one that are logged
)

// refusals logs what the gateway refuses, with a bounded rate: a wrong unit comes with every report.
type refusals struct {
	log *slog.Logger

	mu       sync.Mutex // guards what follows
	next     time.Time
	unlogged int
}

// note logs one refusal, or only counts it. It is called by the link.
func (r *refusals) note(payload []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if now.Before(r.next) {
		r.unlogged++
		return
	}
	r.log.Warn("gateway refused samples", "why", string(payload[:min(len(payload), refusalText)]), "unlogged_before",
		r.unlogged)
	r.next, r.unlogged = now.Add(refusalPause), 0
}
