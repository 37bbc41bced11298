package queue

// Release gives back a pass that Next returned and of which nothing is under way. What was settled of it stays so.
func (q *Queue) Release(start int64) { q.inHand.Give(start) }

// stopPicks keeps Next from picking a pass until the end of the transaction: from here on it changes reports of passes
// that are in nobody's hand.
func (w *writer) stopPicks() {
	if !w.picksStopped {
		w.inHand.Picking.Lock()
		w.picksStopped = true
	}
}

func (w *writer) resumePicks() {
	if w.picksStopped {
		w.inHand.Picking.Unlock()
		w.picksStopped = false
	}
}
