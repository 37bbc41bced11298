package queue

import (
	"context"

	"piway/gateway/pass"
	"piway/gateway/queue/ledger"
)

// redateDue reports whether there may be something to date.
func (w *writer) redateDue() bool { return w.now.right && w.dating.Due(w.now.mono) }

// redate dates passes again that came while the clock was not right, but what is in hand.
func (w *writer) redate(ctx context.Context) error {
	if !w.redateDue() {
		return nil
	}
	w.stopPicks()
	dated, err := w.dating.Again(ctx, w.conn, w.now.wall, w.now.mono, func(p *pass.Pass) bool {
		if o := w.passes.open[p.Start]; o != nil {
			p.First, p.Last = o.first, o.last
		}
		return !w.inHand.Has(p.Start)
	})
	for _, d := range dated {
		w.wakes, w.folds = true, true // what is shifted is counted, and those who wait look again
		for device, n := range d.Shifted {
			w.books.Book(device, ledger.Shifted, "", n)
		}
		if o := w.passes.open[d.Start]; o != nil {
			o.newest, o.undated, o.dirty = d.Newest, false, true
		}
	}
	return err
}
