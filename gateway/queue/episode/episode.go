// Package episode tells of samples that are dropped for one reason: once when it begins and once when it is over.
package episode

import (
	"log/slog"
	"time"
)

// quiet is how long nothing must have been dropped for an episode to be over.
const quiet = 10 * time.Minute

// An Episode is a time in which samples are dropped. One goroutine uses it.
type Episode struct {
	Reason, Fix string // for the log

	dropping int64 // samples, in this transaction
	dropped  int64 // since the begin
	on       bool
	last     time.Duration // monotonic, of the last drop
}

// Drop notes samples that the transaction drops.
func (e *Episode) Drop(samples int) { e.dropping += int64(samples) }

// RolledBack forgets what the transaction dropped.
func (e *Episode) RolledBack() { e.dropping = 0 }

// Committed makes the transaction's drops count, at a monotonic time.
func (e *Episode) Committed(now time.Duration, log *slog.Logger) {
	if e.dropping == 0 {
		return
	}
	if !e.on {
		log.Warn("dropping the oldest samples", "reason", e.Reason, "samples", e.dropping, "try", e.Fix)
	}
	e.on, e.last = true, now
	e.dropped += e.dropping
	e.dropping = 0
}

// On reports whether it lasts.
func (e *Episode) On() bool { return e.on }

// Look ends the episode when it is over.
func (e *Episode) Look(now time.Duration, log *slog.Logger) {
	if !e.on || now-e.last < quiet {
		return
	}
	log.Info("no more samples are dropped", "reason", e.Reason, "samples", e.dropped)
	e.on, e.dropped = false, 0
}
