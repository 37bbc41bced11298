package feedback

import (
	"context"
	"log/slog"
	"time"
)

// quiet is how long more of one kind is only counted.
const quiet = time.Hour

// A teller logs the first of a kind at once, and how many more there were once in a while: a rule that is wrong is
// wrong for every message. Kinds are few by construction.
type teller struct {
	log   *slog.Logger
	kinds map[string]*kind
	timer *time.Timer // nil if nothing is being counted
	lost  chan struct{}
}

type kind struct {
	level slog.Level
	msg   string
	args  []any
	more  int
}

func newTeller(log *slog.Logger) *teller {
	return &teller{log: log, kinds: map[string]*kind{}, lost: make(chan struct{}, 1)}
}

func (t *teller) tell(name string, level slog.Level, msg string, args ...any) {
	k := t.kinds[name]
	if k != nil {
		k.more++
		k.args = args // the newest of the kind
		return
	}
	t.kinds[name] = &kind{level: level, msg: msg, args: args}
	t.log.Log(context.Background(), level, msg, args...)
	if t.timer == nil {
		t.timer = time.NewTimer(quiet)
	}
}

// due fires when it is time to tell how many more there were.
func (t *teller) due() <-chan time.Time {
	if t.timer == nil {
		return nil
	}
	return t.timer.C
}

// again tells of each kind how many more there were. A kind of which there were none is told at once the next time.
func (t *teller) again() {
	select {
	case <-t.lost:
		t.log.Warn("failure reports came too fast; some are not counted")
	default:
	}
	t.timer = nil
	for name, k := range t.kinds {
		if k.more == 0 {
			delete(t.kinds, name)
			continue
		}
		t.log.Log(context.Background(), k.level, k.msg, append(k.args, "more_since", k.more)...)
		k.more = 0
	}
	if len(t.kinds) > 0 {
		t.timer = time.NewTimer(quiet)
	}
}

// dropped notes, from any goroutine, that a report was not taken.
func (t *teller) dropped() {
	select {
	case t.lost <- struct{}{}:
	default:
	}
}
