package queue_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// A gap in a run's numbers is told at once as what may still come, closes when it comes, and is lost when the run is
// so old that nobody holds a report of it.
func TestLedger_gaps(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		for _, seq := range []int64{2, 3, 7, 9} { // 1, 4, 5, 6 and 8 are missing
			b.mustAppend(report("kitchen", "r", seq, "a"))
		}
		b.mustAppend(report("attic", "r", 1, "a"))
		b.next("f") // folds
		if a := b.accounts()["kitchen"]; a.Late != 5 || a.Missing != 0 {
			t.Errorf("got %d late and %d missing, want 5 and 0", a.Late, a.Missing)
		}
		if a := b.accounts()["attic"]; a.Late != 0 {
			t.Errorf("attic: got %d late, want none", a.Late)
		}
		b.mustAppend(report("kitchen", "r", 4, "a"))
		b.next("f")
		b.crash()
		if a := b.accounts()["kitchen"]; a.Late != 4 {
			t.Errorf("after one came: got %d late, want 4", a.Late)
		}
		b.back.set(-15 * 24 * time.Hour)
		b.mustAppend(report("kitchen", "s", 1, "a"))
		time.Sleep(window + grace + time.Second) // a pass closes, which folds
		synctest.Wait()
		b.crash()
		if a := b.accounts()["kitchen"]; a.Late != 0 || a.Missing != 4 {
			t.Errorf("after 15 days: got %d late and %d missing, want 0 and 4", a.Late, a.Missing)
		}
	})
}
