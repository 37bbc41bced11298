package queue_test

import (
	"math"
	"testing"

	"piway/gateway/pass"
	"piway/gateway/queue/ledger"
)

// What is parked waits, in the ledger and over a restart, behind all other passes, until it is settled.
func TestSettle_parked(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.mustAppend(report("kitchen", "r", 1, "a", "b", "c"))
		first, _ := b.next("f")
		b.mustAppend(report("kitchen", "r", 2, "d"))
		second, _ := b.next("f")

		first.Next = 3
		first.Parked.Add(1)
		first.Shelved = true
		first.ParkedCounts = map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Parked, Reason: "denied"}: 1}
		if err := b.Settle(t.Context(), nil, []pass.Pass{first}); err != nil {
			t.Fatal(err)
		}
		b.crash()
		if a := b.accounts()["kitchen"]; a.Waiting != 4 || a.Parked["denied"] != 1 {
			t.Errorf("got %+v, want 4 waiting, 1 of them parked", a)
		}
		got, err := b.Next(t.Context(), pass.Order{}, "f")
		if err != nil || got.Start != second.Start || got.Shelved {
			t.Fatalf("got %+v, %v, want the pass that is not shelved first", got, err)
		}
		got, err = b.Next(t.Context(), pass.Order{}, "f")
		if err != nil || got.Start != first.Start || !got.Shelved || !got.Parked.Has(1) || got.Parked.Has(0) {
			t.Fatalf("got %+v, %v, want the shelved pass with datum 1 parked", got, err)
		}
		counts := map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Sent}: 3}
		if err := b.Settle(t.Context(), []pass.Done{{Pass: got, Counts: counts}}, nil); err != nil {
			t.Fatal(err)
		}
		if a := b.accounts()["kitchen"]; a.Waiting != 1 || a.Sent != 3 || len(a.Parked) != 0 {
			t.Errorf("got %+v, want 3 sent, none parked", a)
		}
	})
}

// Other settings number the datums anew, so a parked number means nothing any more.
func TestNext_unparksUnderAnotherFingerprint(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.mustAppend(report("kitchen", "r", 1, "a"))
		p, _ := b.next("f")
		p.Next, p.Shelved = 1, true
		p.Parked.Add(0)
		p.ParkedCounts = map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Parked, Reason: "denied"}: 1}
		if err := b.Settle(t.Context(), nil, []pass.Pass{p}); err != nil {
			t.Fatal(err)
		}
		got, err := b.Next(t.Context(), pass.Order{}, "other")
		if err != nil || got.Shelved || got.Next != 0 || !got.Parked.Empty() {
			t.Errorf("got %+v, %v, want the pass from its start", got, err)
		}
		b.Release(got.Start)
		if got, err := b.Next(t.Context(), pass.Order{Shelved: math.MaxInt64}, "other"); err != nil || got.Start != p.Start {
			t.Errorf("got %+v, %v, want it among those to be sent", got, err)
		}
		if a := b.accounts()["kitchen"]; len(a.Parked) != 0 || a.Waiting != 1 {
			t.Errorf("got %+v, want none parked", a)
		}
	})
}

func TestBookRefusedByCloud_isAPartOfSent(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.mustAppend(report("kitchen", "r", 1, "a", "b"))
		p, _ := b.next("f")
		if err := b.Settle(t.Context(), []pass.Done{{Pass: p, Counts: map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Sent}: 2}}}, nil); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := b.BookRefusedByCloud(t.Context(), map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.RefusedByCloud, Reason: "unit"}: 1}); err != nil {
				t.Fatal(err)
			}
		}
		b.crash()
		if a := b.accounts()["kitchen"]; a.Sent != 2 || a.RefusedByCloud["unit"] != 2 {
			t.Errorf("got %+v, want 2 sent, 2 of them refused by the cloud", a)
		}
	})
}
