package books

import (
	"context"
	"fmt"

	"piway/gateway/queue/ranges"
	"piway/gateway/queue/store"
)

// Balance makes the books of a store of which a part was lost fit the reports that are there: what was stored and
// nobody can find any more is Dropped, for the reason given. gone are ids whose reports are not there, and last is the
// highest id that there ever was. It returns how many samples are Dropped, and how many reports of gone were not in the
// ledger yet.
func (b *Books) Balance(
	ctx context.Context, from store.Reader, gone []ranges.Range, last int64, reason string,
) (dropped, uncounted int64, err error) {
	waiting := map[string]int64{}
	var device string
	var n int64
	rows, err := from.QueryContext(ctx, "SELECT device, SUM(n) FROM report GROUP BY device")
	if err := store.Each(rows, err, func() error { waiting[device] = n; return nil }, &device, &n); err != nil {
		return 0, 0, fmt.Errorf("counting what waits: %w", err)
	}
	for _, ids := range gone { // ids are dense above the fold
		uncounted += max(0, ids.Hi-max(ids.Lo-1, b.folded))
	}
	b.Last = max(b.Last, last)
	return b.ledger.Mend(waiting, reason), uncounted, nil
}

// SeeAll notes each report that is there as seen.
func (b *Books) SeeAll(ctx context.Context, from store.Reader) error {
	return eachAfter(ctx, from, 0, func(_ int64, r *Report) { b.See(r, 0) })
}
