package queue

import (
	"sync"

	"piway/gateway/pass"
)

// inHand are the passes that Next returned and that are not settled: they are not returned again, not thinned, not
// dated again, and dropped after all others. The zero value holds none; its methods are safe for concurrent use.
type inHand struct {
	mu     sync.Mutex
	starts map[int64]struct{}

	picking sync.Mutex // held while Next picks a pass, and by a transaction from where it changes passes
}

// take notes that a pass is being sent.
func (h *inHand) take(start int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.starts == nil {
		h.starts = map[int64]struct{}{}
	}
	h.starts[start] = struct{}{}
}

// has reports whether a pass is being sent.
func (h *inHand) has(start int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.starts[start]
	return ok
}

// give notes that a pass is being sent no more.
func (h *inHand) give(start int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.starts, start)
}

// stopPicks keeps Next from picking a pass until the end of the transaction: from here on it changes reports of passes
// that are in nobody's hand.
func (w *writer) stopPicks() {
	if !w.picksStopped {
		w.inHand.picking.Lock()
		w.picksStopped = true
	}
}

func (w *writer) resumePicks() {
	if w.picksStopped {
		w.inHand.picking.Unlock()
		w.picksStopped = false
	}
}

// settled gives back what is not sent on after Settle.
func (h *inHand) settled(done []pass.Done, moved []pass.Pass) {
	for _, d := range done {
		h.give(d.Pass.Start)
	}
	for _, p := range moved {
		if p.Shelved {
			h.give(p.Start)
		}
	}
}

// Release gives back a pass that Next returned and of which nothing is under way. What was settled of it stays so.
func (q *Queue) Release(start int64) { q.inHand.give(start) }
