package queue_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
)

// least is the smallest bound; the tables themselves take some of it.
const least = 68 * 4096

// big is a report of about 5 KB.
func big(device string, seq int64) queue.Entry {
	names := make([]string, 40)
	for i := range names {
		names[i] = "metric with a long name, so that few reports fill the file" + strings.Repeat("x", 20)
	}
	return report(device, "r", seq, names...)
}

// small replaces the queue by one with a small bound.
func (b *bench) small() {
	b.t.Helper()
	b.stop()
	*b = *open(b.t, b.path, least, b.back)
}

// inUse is what the file holds.
func (b *bench) inUse() int64 {
	b.t.Helper()
	var pages, free int64
	b.query("PRAGMA page_count", &pages)
	b.query("PRAGMA freelist_count", &free)
	return (pages - free) * 4096
}

// At the bound the oldest go, whoever's they are, and every report is still acknowledged.
func TestBounds_dropsTheOldest(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.small()
		b.mustAppend(report("attic", "r", 1, "a"))
		b.next("f") // closes it, and has it in hand
		var last int64
		for seq := range int64(200) { // a device that floods, over many passes
			b.mustAppend(big("kitchen", seq+1))
			time.Sleep(window / 4)
			if used := b.inUse(); used > least {
				t.Fatalf("%d bytes in use, want at most %d", used, least)
			}
			last = seq + 1
		}
		check := func() {
			t.Helper()
			by := b.accounts()
			if a := by["attic"]; a.Waiting != 1 || len(a.Dropped) != 0 {
				t.Errorf("attic: got %+v, want what is in hand kept while there is anything else", a)
			}
			a := by["kitchen"]
			if a.Stored != last*40 || a.Waiting+a.Dropped[queue.ReasonFull] != a.Stored || a.Waiting < 20*40 {
				t.Errorf("kitchen: got %+v, want all stored, and no more dropped than needed", a)
			}
		}
		check()
		b.crash()
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

// Where all is in one open pass its first reports go, and what is redelivered of them is recognised.
func TestBounds_openPass(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.small()
		for seq := range int64(200) {
			b.mustAppend(big("kitchen", seq+1))
		}
		a := b.accounts()["kitchen"]
		if a.Dropped[queue.ReasonFull] == 0 || a.Waiting < 20*40 || a.Stored != 200*40 {
			t.Errorf("got %+v, want the first dropped and most of the bound used", a)
		}
		b.crash()
		b.mustAppend(big("kitchen", 1))
		if a := b.accounts()["kitchen"]; a.Duplicate != 40 {
			t.Errorf("got %+v, want the dropped report recognised", a)
		}
		if _, names := b.next("f"); int64(len(names)) != a.Waiting {
			t.Errorf("the pass has %d samples, want the %d that wait", len(names), a.Waiting)
		}
	})
}

// What was dropped while it was being sent stays booked as dropped.
func TestSettle_afterADrop(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.small()
		b.mustAppend(report("attic", "r", 1, "a", "b"))
		p, _ := b.next("f")
		for seq := range int64(100) { // all in one open pass, so that only what is in hand is closed
			b.mustAppend(big("kitchen", seq+1))
		}
		if a := b.accounts()["attic"]; a.Dropped[queue.ReasonFull] != 2 {
			t.Fatalf("got %+v, want even what is in hand dropped", a)
		}
		part := p.Clone()
		part.Next, part.ParkedCounts = 1, map[ledger.Count]int{{Device: "attic", Outcome: ledger.Parked, Reason: "denied"}: 1}
		sent := pass.Done{Pass: p, Counts: map[ledger.Count]int{{Device: "attic", Outcome: ledger.Sent}: 2}}
		if err := b.Settle(t.Context(), nil, []pass.Pass{part}); err != nil {
			t.Error(err)
		}
		if err := b.Settle(t.Context(), []pass.Done{sent}, nil); err != nil {
			t.Error(err)
		}
		if a := b.accounts()["attic"]; a.Sent != 0 || len(a.Parked) != 0 || a.Dropped[queue.ReasonFull] != 2 {
			t.Errorf("got %+v, want 2 dropped and nothing else", a)
		}
	})
}

// The ledger balances while it is full and being sent.
func TestBounds_besideSending(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.small()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var sending sync.WaitGroup
		sending.Go(func() {
			for {
				p, err := b.Next(ctx, pass.Order{Shelved: math.MaxInt64}, "f")
				if err != nil {
					return
				}
				counts := map[ledger.Count]int{}
				_ = b.Each(ctx, p, countSamples(counts))
				time.Sleep(2 * window) // slower than they come
				if err := b.Settle(ctx, []pass.Done{{Pass: p, Counts: counts}}, nil); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}
		})
		for seq := range int64(300) {
			b.mustAppend(big("kitchen", seq+1))
			time.Sleep(window / 20)
			b.accounts()
		}
		cancel()
		sending.Wait()
		if a := b.accounts()["kitchen"]; a.Sent == 0 || a.Dropped[queue.ReasonFull] == 0 || a.Waiting == 0 {
			t.Errorf("got %+v, want some sent, some dropped, some waiting", a)
		}
	})
}

// What ended longer ago than MaxAge goes, once the clock is right.
func TestBounds_maxAge(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		right := false
		b.cfg = func(c *queue.Config) {
			c.MaxAge, c.ClockRight = time.Hour, func() bool { return right }
		}
		b.reopen()
		b.mustAppend(report("kitchen", "r", 1, "a", "b"))
		time.Sleep(30 * time.Minute)
		b.mustAppend(report("kitchen", "r", 2, "c"))
		time.Sleep(35 * time.Minute)
		if a := b.accounts()["kitchen"]; a.Waiting != 3 {
			t.Errorf("got %+v, want nothing dropped while the clock is not right", a)
		}
		b.stop()
		right = true
		b.reopen()
		time.Sleep(time.Second)
		synctest.Wait()
		if a := b.accounts()["kitchen"]; a.Dropped[queue.ReasonAge] != 2 || a.Waiting != 1 {
			t.Errorf("got %+v, want the 2 old ones dropped", a)
		}
		b.crash()
		_, names := b.next("f")
		b.wantNames(names, "c")
	})
}
