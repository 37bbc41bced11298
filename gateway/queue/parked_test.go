package queue_test

import (
	"database/sql"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
)

// What is parked waits, in the ledger and over a restart, behind all other passes, until it is settled.
func TestSettle_parked(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.mustAppend(report("kitchen", "r", 1, "a", "b", "c"))
		first, _ := b.next(0, "f")
		b.mustAppend(report("kitchen", "r", 2, "d"))
		second, _ := b.next(first.Start, "f")

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
		inHand := func(start int64) bool { return start == second.Start }
		got, err = b.Next(t.Context(), pass.Order{InHand: inHand}, "f")
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
		p, _ := b.next(0, "f")
		p.Next, p.Shelved = 1, true
		p.Parked.Add(0)
		p.ParkedCounts = map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Parked, Reason: "denied"}: 1}
		if err := b.Settle(t.Context(), nil, []pass.Pass{p}); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Next(t.Context(), pass.Order{}, "other"); err != nil || got.Shelved || got.Next != 0 || !got.Parked.Empty() {
			t.Errorf("got %+v, %v, want the pass from its start", got, err)
		}
		if got, err := b.Next(t.Context(), pass.Order{Shelved: math.MaxInt64}, "other"); err != nil || got.Start != p.Start {
			t.Errorf("got %+v, %v, want it among those to be sent", got, err)
		}
		if a := b.accounts()["kitchen"]; len(a.Parked) != 0 || a.Waiting != 1 {
			t.Errorf("got %+v, want none parked", a)
		}
	})
}

func TestRefused_isAPartOfSent(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.mustAppend(report("kitchen", "r", 1, "a", "b"))
		p, _ := b.next(0, "f")
		if err := b.Settle(t.Context(), []pass.Done{{Pass: p, Counts: map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Sent}: 2}}}, nil); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := b.Refused(t.Context(), map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.RefusedByCloud, Reason: "unit"}: 1}); err != nil {
				t.Fatal(err)
			}
		}
		b.crash()
		if a := b.accounts()["kitchen"]; a.Sent != 2 || a.RefusedByCloud["unit"] != 2 {
			t.Errorf("got %+v, want 2 sent, 2 of them refused by the cloud", a)
		}
	})
}

// TestOpen_version1: a file of the first format is brought to this one with all that is in it.
func TestOpen_version1(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.mustAppend(report("kitchen", "r", 1, "a"))
		p, _ := b.next(0, "f")
		b.stop()
		db, err := sql.Open("sqlite", b.path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(`DROP TABLE boot; DROP TABLE parked; ALTER TABLE pass DROP COLUMN parked; ALTER TABLE pass DROP COLUMN thinned; PRAGMA user_version=1`); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		b.reopen()
		got, names := b.next(0, "f")
		b.wantNames(names, "a")
		if diff := cmp.Diff(p.Start, got.Start); diff != "" {
			t.Errorf("pass (-want +got): %s", diff)
		}
		b.accounts()
	})
}

// A file of a format to come is left alone.
func TestOpen_newer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version=99"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = queue.Open(t.Context(), queue.Config{Path: path, Window: time.Minute, MaxBytes: 1 << 20})
	if want := "its format is 99, this version reads 4: it was written by a newer piway-gateway"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// Live passes go before a backlog, and can be asked for without waiting.
func TestNext_lanes(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var starts []int64
		for i := range 4 {
			b.mustAppend(report("kitchen", "r", int64(i+1), "a"))
			p, _ := b.next(b.LastClosed(), "f")
			starts = append(starts, p.Start)
		}
		taken := map[int64]bool{}
		// Each closed as the next report came, 70 s after the one before.
		o := pass.Order{Live: window + grace + time.Second, InHand: func(start int64) bool { return taken[start] }}
		for _, want := range []int64{starts[2], starts[3], starts[0], starts[1]} {
			p, err := b.Next(t.Context(), o, "f")
			if err != nil || p.Start != want {
				t.Fatalf("got %d, %v, want %d", p.Start, err, want)
			}
			taken[p.Start] = true
		}
		o.LiveOnly = true
		if p, err := b.Next(t.Context(), o, "f"); !errors.Is(err, pass.ErrNone) {
			t.Errorf("got %d, %v, want none at once", p.Start, err)
		}
		if n, oldest, err := b.Backlog(t.Context()); n != 4 || oldest != starts[0] || err != nil {
			t.Errorf("got a backlog of %d from %d, %v, want 4 from %d", n, oldest, err, starts[0])
		}
	})
}
