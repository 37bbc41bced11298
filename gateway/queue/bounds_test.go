package queue_test

import (
	"math"
	"testing"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/queue/storetest"
)

// inUse is what the file holds.
func (b *bench) inUse() int64 {
	b.T.Helper()
	var pages, free, size int64
	b.query("PRAGMA page_count", &pages)
	b.query("PRAGMA freelist_count", &free)
	b.query("PRAGMA page_size", &size)
	return (pages - free) * size
}

// At the bound the oldest go, whoever's they are, and every report is still acknowledged.
func TestBounds_dropsTheOldest(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.Small()
		b.MustAppend(report("attic", "r", 1, "a"))
		b.NextPass("f") // closes it, and has it in hand
		var last int64
		for seq := range int64(200) { // a device that floods, over many passes
			b.MustAppend(storetest.Big("kitchen", seq+1))
			time.Sleep(window / 4)
			if used := b.inUse(); used > storetest.Least {
				t.Fatalf("%d bytes in use, want at most %d", used, storetest.Least)
			}
			last = seq + 1
		}
		check := func() {
			t.Helper()
			by := b.Accounts()
			if a := by["attic"]; a.Waiting != 1 || len(a.Dropped) != 0 {
				t.Errorf("attic: got %+v, want what is in hand kept while there is anything else", a)
			}
			a := by["kitchen"]
			if a.Stored != last*40 || a.Waiting+a.Dropped[queue.ReasonFull] != a.Stored || a.Waiting < 20*40 {
				t.Errorf("kitchen: got %+v, want all stored, and no more dropped than needed", a)
			}
		}
		check()
		b.Crash()
		check()
		time.Sleep(window + grace)
		oldest := map[string]int64{}
		for range 3 {
			if _, err := b.Next(t.Context(), pass.Order{Shelved: math.MaxInt64}, "f"); err != nil {
				t.Fatal(err)
			}
			var seq int64
			b.query("SELECT MIN(seq) FROM report WHERE device='kitchen'", &seq)
			oldest["kitchen"] = seq
		}
		var count int64
		b.query("SELECT COUNT(*) FROM report WHERE device='kitchen'", &count)
		if oldest["kitchen"] != last-count+1 {
			t.Errorf("%d reports from %d wait, want the newest up to %d", count, oldest["kitchen"], last)
		}
	})
}
