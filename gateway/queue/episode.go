package queue

import (
	"log/slog"
	"time"
)

// episodeEnd is how long nothing must have been dropped for an episode to be over.
const episodeEnd = 10 * time.Minute

// An episode is a time in which samples are dropped for one reason. Its begin and its end are logged.
type episode struct {
	reason, fix string

	dropping int64 // samples, in this transaction
	dropped  int64 // since the begin
	on       bool
	last     time.Duration // monotonic, of the last drop
}

// committed makes the transaction's drops count.
func (e *episode) committed(now time.Duration, log *slog.Logger) {
	if e.dropping == 0 {
		return
	}
	if !e.on {
		log.Warn("dropping the oldest samples", "reason", e.reason, "samples", e.dropping, "try", e.fix)
	}
	e.on, e.last = true, now
	e.dropped += e.dropping
	e.dropping = 0
}

// look ends the episode when it is over.
func (e *episode) look(now time.Duration, log *slog.Logger) {
	if !e.on || now-e.last < episodeEnd {
		return
	}
	log.Info("no more samples are dropped", "reason", e.reason, "samples", e.dropped)
	e.on, e.dropped = false, 0
}
