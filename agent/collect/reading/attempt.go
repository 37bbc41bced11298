package reading

import (
	"context"
	"errors"
)

// ErrHangs is told of a sensor whose reading has not come back, such as a network mount without its server.
var ErrHangs = errors.New("reading hangs")

// An Attempt is something that is done in a goroutine, because a system call on a dead mount cannot be interrupted.
type Attempt[T any] struct {
	running chan T // what is under way, nil if nothing is
	stuck   bool   // it was under way already when it was to be started again
}

// Start begins it. While one hangs no other is begun.
func (a *Attempt[T]) Start(ctx context.Context, do func(context.Context) T) {
	select {
	case <-a.running: // the late answer to an earlier call
		a.running = nil
	default:
	}
	if a.stuck = a.running != nil; a.stuck {
		return
	}
	running := make(chan T, 1)
	a.running = running
	go func() { running <- do(ctx) }()
}

// Hangs reports whether it is still under way.
func (a *Attempt[T]) Hangs() bool { return a.running != nil && len(a.running) == 0 }

// Wait returns its result, or false when ctx ends first; at once if it was stuck already.
func (a *Attempt[T]) Wait(ctx context.Context) (result T, ok bool) {
	if !a.stuck {
		select {
		case result = <-a.running:
			a.running = nil
			return result, true
		case <-ctx.Done():
		}
	}
	select { // another may have used up the time
	case result = <-a.running:
		a.running = nil
		return result, true
	default:
		return result, false
	}
}
