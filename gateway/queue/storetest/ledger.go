package storetest

import (
	"testing"
	"time"

	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
)

// A gap in a run's numbers is told at once as what may still come, closes when it comes, and is lost when the run is
// so old that nobody holds a report of it.
func gaps(t *testing.T, b *Bench) {
	for _, seq := range []int64{2, 3, 7, 9} { // 1, 4, 5, 6 and 8 are missing
		b.MustAppend(Report("kitchen", "r", seq, "a"))
	}
	b.MustAppend(Report("attic", "r", 1, "a"))
	b.NextPass("f") // folds
	if a := b.Accounts()["kitchen"]; a.Late != 5 || a.Missing != 0 {
		t.Errorf("got %d late and %d missing, want 5 and 0", a.Late, a.Missing)
	}
	if a := b.Accounts()["attic"]; a.Late != 0 {
		t.Errorf("attic: got %d late, want none", a.Late)
	}
	b.MustAppend(Report("kitchen", "r", 4, "a"))
	b.NextPass("f")
	b.Crash()
	if a := b.Accounts()["kitchen"]; a.Late != 4 {
		t.Errorf("after one came: got %d late, want 4", a.Late)
	}
	b.Back.Set(-15 * 24 * time.Hour)
	b.MustAppend(Report("kitchen", "s", 1, "a"))
	b.ClosePass() // which folds
	b.Crash()
	if a := b.Accounts()["kitchen"]; a.Late != 0 || a.Missing != 4 {
		t.Errorf("after 15 days: got %d late and %d missing, want 0 and 4", a.Late, a.Missing)
	}
}

// What AWS refused after it acknowledged it is a part of what was sent.
func refusedByCloud(t *testing.T, b *Bench) {
	b.MustAppend(Report("kitchen", "r", 1, "a", "b"))
	p, _ := b.NextPass("f")
	b.Sent(p, 2)
	for range 3 {
		refused := ledger.Count{Device: "kitchen", Outcome: ledger.RefusedByCloud, Reason: "unit"}
		if err := b.BookRefusedByCloud(t.Context(), map[ledger.Count]int{refused: 1}); err != nil {
			t.Fatal(err)
		}
	}
	b.Crash()
	if a := b.Accounts()["kitchen"]; a.Sent != 2 || a.RefusedByCloud["unit"] != 2 {
		t.Errorf("got %+v, want 2 sent, 2 of them refused by the cloud", a)
	}
}

// A report that showed two machines under one name is counted, whatever else becomes of it, and no sample is.
func twins(t *testing.T, b *Bench) {
	first := Report("kitchen", "r", 1, "a")
	first.Twin = true
	refused := Report("kitchen", "r", 2)
	refused.Twin, refused.Refused = true, map[string]int{"unit": 1}
	for _, e := range []queue.Entry{first, refused, first, Report("kitchen", "r", 3, "a")} {
		b.MustAppend(e)
	}
	b.Crash()
	if a := b.Accounts()["kitchen"]; a.Twins != 3 || a.Received != 4 || a.Duplicate != 1 || a.Stored != 2 {
		t.Errorf("got %+v, want 3 of twins, and of 4 samples 1 duplicate and 2 stored", a)
	}
}

// What stays on the LAN is booked when done is called, as all else is, and recognised when it comes again, also where
// nothing else came with it.
func local(t *testing.T, b *Bench) {
	mixed, alone, unnamed := Report("kitchen", "r", 1, "a"), Report("kitchen", "r", 2), Report("kitchen", "", 0)
	mixed.LocalCount, alone.LocalCount, unnamed.LocalCount = 5, 3, 2
	alone.Refused = map[string]int{"unit": 1}
	want := ledger.Account{Device: "kitchen"}
	check := func(when string) {
		t.Helper()
		b.Crash()
		a := b.Accounts()["kitchen"]
		if a.Received != want.Received || a.Local != want.Local || a.Duplicate != want.Duplicate || a.Stored != want.Stored {
			t.Errorf("%s: got %+v, want %+v", when, a, want)
		}
	}
	b.MustAppend(mixed)
	want.Received, want.Local, want.Stored = 6, 5, 1
	check("beside a stored one")
	b.MustAppend(alone)
	want.Received, want.Local = 10, 8
	check("and a refused one")
	b.MustAppend(mixed)
	b.MustAppend(alone)
	want.Received, want.Duplicate = 20, 10
	check("again")
	b.MustAppend(unnamed)
	b.MustAppend(unnamed)
	want.Received, want.Local = 24, 12
	check("what cannot be recognised")
	mixed.Seq, mixed.LocalCount = 1, 0
	b.MustAppend(mixed) // an agent sends nothing local twice
	want.Received, want.Duplicate = 25, 11
	check("again without them")
	p, _ := b.NextPass("f")
	b.Sent(p, 1)
	check("sent")
}
