package storetest

import (
	"math"
	"testing"

	"piway/gateway/pass"
	"piway/gateway/queue/ledger"
)

func positionSurvives(t *testing.T, b *Bench) {
	b.MustAppend(Report("kitchen", "r", 1, "a", "b", "c"))
	p, _ := b.NextPass("f")
	part := p.Clone()
	part.Next = 2
	part.Expired.Add(0)
	if err := b.Settle(t.Context(), nil, []pass.Pass{part}); err != nil {
		t.Fatal(err)
	}
	b.Crash()
	got, names := b.NextPass("f")
	b.WantNames(names, "a", "b", "c")
	if got.Next != 2 || !got.Expired.Has(0) || got.Expired.Has(1) {
		t.Errorf("got position %d, expired %+v, want 2 and datum 0", got.Next, got.Expired)
	}
	if a := b.Accounts()["kitchen"]; a.Waiting != 3 {
		t.Errorf("got %d waiting, want 3 until the pass is done", a.Waiting)
	}

	b.Release(got.Start)
	got, _ = b.NextPass("other settings")
	if got.Next != 0 || got.Expired.Has(0) {
		t.Errorf("under another fingerprint: got position %d, expired %+v, want the start", got.Next, got.Expired)
	}
	b.Crash()
	if got, _ = b.NextPass("other settings"); got.Next != 0 || got.Expired.Has(0) {
		t.Errorf("after reopening: got position %d, expired %+v, want the start", got.Next, got.Expired)
	}
}

func doneAndPart(t *testing.T, b *Bench) {
	b.MustAppend(Report("kitchen", "r", 1, "a", "b"))
	b.MustAppend(Report("attic", "r", 1, "c"))
	first, _ := b.NextPass("f")
	b.MustAppend(Report("kitchen", "r", 2, "d", "e"))
	second, _ := b.NextPass("f")
	second.Next = 1
	counts := map[ledger.Count]int{
		{Device: "kitchen", Outcome: ledger.Sent}:                   1,
		{Device: "kitchen", Outcome: ledger.Expired, Reason: "old"}: 1,
		{Device: "attic", Outcome: ledger.Sent}:                     1,
	}
	if err := b.Settle(t.Context(), []pass.Done{{Pass: first, Counts: counts}}, []pass.Pass{second}); err != nil {
		t.Fatal(err)
	}
	b.Crash()
	p, names := b.NextPass("f")
	b.WantNames(names, "d", "e")
	if p.Start != second.Start || p.Next != 1 {
		t.Errorf("got pass %d at %d, want %d at 1", p.Start, p.Next, second.Start)
	}
	got := b.Accounts()
	if a := got["kitchen"]; a.Sent != 1 || a.Expired["old"] != 1 || a.Waiting != 2 {
		t.Errorf("kitchen: got %+v, want 1 sent, 1 expired, 2 waiting", a)
	}
	if a := got["attic"]; a.Sent != 1 || a.Waiting != 0 {
		t.Errorf("attic: got %+v, want 1 sent, none waiting", a)
	}
	b.MustAppend(Report("kitchen", "r", 1, "a", "b")) // redelivered after it left the disk
	if a := b.Accounts()["kitchen"]; a.Duplicate != 2 {
		t.Errorf("got %d duplicate, want 2", a.Duplicate)
	}
}

// What is parked waits, in the ledger and over a restart, behind all other passes, until it is settled.
func parked(t *testing.T, b *Bench) {
	b.MustAppend(Report("kitchen", "r", 1, "a", "b", "c"))
	first, _ := b.NextPass("f")
	b.MustAppend(Report("kitchen", "r", 2, "d"))
	second, _ := b.NextPass("f")

	first.Next = 3
	first.Parked.Add(1)
	first.Shelved = true
	first.ParkedCounts = map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Parked, Reason: "denied"}: 1}
	if err := b.Settle(t.Context(), nil, []pass.Pass{first}); err != nil {
		t.Fatal(err)
	}
	b.Crash()
	if a := b.Accounts()["kitchen"]; a.Waiting != 4 || a.Parked["denied"] != 1 {
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
	if a := b.Accounts()["kitchen"]; a.Waiting != 1 || a.Sent != 3 || len(a.Parked) != 0 {
		t.Errorf("got %+v, want 3 sent, none parked", a)
	}
}

// Other settings number the datums anew, so a parked number means nothing any more.
func unparks(t *testing.T, b *Bench) {
	b.MustAppend(Report("kitchen", "r", 1, "a"))
	p, _ := b.NextPass("f")
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
	if a := b.Accounts()["kitchen"]; len(a.Parked) != 0 || a.Waiting != 1 {
		t.Errorf("got %+v, want none parked", a)
	}
}

// What expired is booked as that, with its reason, when the pass is done.
func expired(t *testing.T, b *Bench) {
	b.MustAppend(Report("kitchen", "r", 1, "a", "b"))
	p, _ := b.NextPass("f")
	counts := map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Expired, Reason: "old"}: 2}
	if err := b.Settle(t.Context(), []pass.Done{{Pass: p, Counts: counts}}, nil); err != nil {
		t.Fatal(err)
	}
	b.Crash()
	if a := b.Accounts()["kitchen"]; a.Expired["old"] != 2 || a.Waiting != 0 || a.Sent != 0 {
		t.Errorf("got %+v, want 2 expired and nothing else", a)
	}
}
