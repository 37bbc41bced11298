package ledger_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/queue/ledger"
)

// figures are those of a ledger that are not on disk.
func figures(t *testing.T, l *ledger.Ledger) map[ledger.Count]int64 {
	t.Helper()
	all := map[ledger.Count]int64{}
	if err := l.Flush(func(c ledger.Count, n int64) error { all[c] = n; return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// Numbers up to 2^53 of many runs do not overflow what is missing.
func TestLedger_saturates(t *testing.T) {
	l := ledger.New()
	missing := ledger.Count{Device: "kitchen", Outcome: ledger.Missing}
	for range 5000 {
		l.Add(missing, ledger.Max)
	}
	if diff := cmp.Diff(map[ledger.Count]int64{missing: ledger.Max}, figures(t, &l)); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	if again := figures(t, &l); len(again) > 0 {
		t.Errorf("written once more: %v", again)
	}
	one := ledger.Account{Missing: ledger.Max, Late: ledger.Max}
	if sum := ledger.Sum([]ledger.Account{one, one, one}); sum.Missing != ledger.Max || sum.Late != ledger.Max {
		t.Errorf("the sum of all: %d missing and %d late", sum.Missing, sum.Late)
	}
}

// What the cloud says that it could not write is at most what can have been sent.
func TestLedger_AddRefusedByCloud(t *testing.T) {
	l := ledger.New()
	for c, n := range map[ledger.Count]int64{
		{Device: "kitchen", Outcome: ledger.Received}: 90, {Device: "kitchen", Outcome: ledger.Stored}: 10,
		{Device: "kitchen", Outcome: ledger.Dropped, Reason: "full"}: 2,
		{Device: "kitchen", Outcome: ledger.Expired, Reason: "old"}:  1,
		{Device: "kitchen", Outcome: ledger.Sent}:                    3, {Device: "attic", Outcome: ledger.Stored}: 5,
	} {
		l.Load(c, n)
	}
	for _, c := range []struct {
		device, reason string
		n              int64
	}{
		{"kitchen", "unit", 4},
		{"kitchen", "time", 1e9},
		{"kitchen", "unit", 1e9},
		{"(unknown)", "unit", 1e9},
		{"attic", "unit", 1},
	} {
		l.AddRefusedByCloud(c.device, c.reason, c.n)
	}
	refused := func(device, reason string) ledger.Count {
		return ledger.Count{Device: device, Outcome: ledger.RefusedByCloud, Reason: reason}
	}
	want := map[ledger.Count]int64{
		refused("kitchen", "unit"): 4, refused("kitchen", "time"): 3,
		refused("(unknown)", "unit"): 5, refused("attic", "unit"): 1,
	}
	if diff := cmp.Diff(want, figures(t, &l)); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
}

// What is stored and nowhere is dropped; where the ledger knows less than what waits, it learns of it.
func TestLedger_Mend(t *testing.T) {
	count := func(device, outcome string) ledger.Count { return ledger.Count{Device: device, Outcome: outcome} }
	dropped := ledger.Count{Device: "kitchen", Outcome: ledger.Dropped, Reason: "damaged"}
	l := ledger.New()
	for c, n := range map[ledger.Count]int64{
		count("kitchen", ledger.Received): 16, count("kitchen", ledger.Duplicate): 2,
		count("kitchen", ledger.Local):  4,
		count("kitchen", ledger.Stored): 10, count("kitchen", ledger.Sent): 3,
		count("attic", ledger.Sent): 4,
	} {
		l.Load(c, n)
	}
	if n := l.Mend(map[string]int64{"kitchen": 5, "cellar": 1}, "damaged"); n != 2 {
		t.Errorf("got %d dropped, want 2", n)
	}
	want := map[ledger.Count]int64{
		dropped:                         2,
		count("attic", ledger.Received): 4, count("attic", ledger.Stored): 4,
		count("cellar", ledger.Received): 1, count("cellar", ledger.Stored): 1,
	}
	if diff := cmp.Diff(want, figures(t, &l)); diff != "" {
		t.Errorf("what changed (-want +got):\n%s", diff)
	}
}

func TestBalance(t *testing.T) {
	by := ledger.Accounts{}
	for _, c := range []struct {
		outcome, reason string
		n               int64
	}{
		{ledger.Received, "", 27},
		{ledger.Local, "", 7},
		{ledger.Refused, "name", 1},
		{ledger.Refused, "value", 2},
		{ledger.Duplicate, "", 3},
		{ledger.Stored, "", 14},
		{ledger.Sent, "", 5},
		{ledger.Expired, "older", 2},
		{ledger.Dropped, "full", 3},
	} {
		by.Of("kitchen").Set(c.outcome, c.reason, c.n)
	}
	by.Of("kitchen").Waiting = 4
	by.Of("attic").Sent = 1
	all := by.Sorted()
	sum := ledger.Sum(all)
	if arrival, store := sum.Difference(); arrival != 0 || store != -1 {
		t.Errorf("sum: got %d and %d, want 0 and -1", arrival, store)
	}
	if refused, expired, dropped := sum.Totals(); refused != 3 || expired != 2 || dropped != 3 {
		t.Errorf("totals: got %d, %d, %d, want 3, 2, 3", refused, expired, dropped)
	}
	if err := ledger.Balance(all[1:]); err != nil {
		t.Error(err)
	}
	const want = "the ledger does not balance: attic, 0 samples on arrival and -1 in the store"
	if err := ledger.Balance(all); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
