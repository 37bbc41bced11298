package queue_test

import (
	"testing"
	"testing/synctest"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
	"piway/shared/sample"
)

// A disk that refuses reports keeps what it took, and goes on once it takes them again.
func TestQueue_Append_full(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.MustAppend(report("kitchen", "r", 1, "a", "b"))
		b.sql(refuseReports)
		if err := b.TryAppend(report("kitchen", "r", 2, "c")); err == nil {
			t.Fatal("done(nil) for a report that does not fit")
		}
		if a := b.Accounts()["kitchen"]; a.Stored != 2 {
			t.Fatalf("got %d samples stored, want 2: the refused report must not count", a.Stored)
		}
		b.sql("DROP TRIGGER full")
		b.MustAppend(report("kitchen", "r", 2, "c")) // the refused one again: no duplicate
		if a := b.Accounts()["kitchen"]; a.Waiting != 3 || a.Duplicate != 0 {
			t.Errorf("got %+v, want 3 waiting, none duplicate", a)
		}
	})
}

// Senders that keep trying while the disk is full must not keep room from being made.
func TestQueue_Settle_besideRefusedAppends(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.MustAppend(report("kitchen", "r", 1, "a", "b"))
		p, names := b.NextPass("f")
		b.sql(refuseReports)
		counts := map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Sent}: len(names)}
		e := report("kitchen", "r", 2, "c")
		e.Arrived = b.Now()
		before := b.Accounts()["kitchen"]
		hold := make(chan struct{})
		b.Append(report("kitchen", "", 0), func(error) { <-hold }) // holds the writer, so that all below is one batch
		b.Append(queue.Entry{Report: sample.Report{Device: "kitchen"}, Refused: map[string]int{"unit": 1}}, func(err error) {
			if err == nil {
				t.Error("done(nil) for what shares the failed transaction")
			}
		})
		b.Append(e, func(err error) {
			if err == nil {
				t.Error("done(nil) for a report that does not fit")
			}
		})
		settled := make(chan error, 1)
		go func() { settled <- b.Settle(t.Context(), []pass.Done{{Pass: p, Counts: counts}}, nil) }()
		synctest.Wait()
		close(hold)
		if err := <-settled; err != nil {
			t.Errorf("settling beside a report that does not fit: %v", err)
		}
		after := b.Accounts()["kitchen"]
		if after.Received != before.Received || after.Sent != before.Stored || after.Waiting != 0 {
			t.Errorf("got %+v, want all of %+v sent and nothing of the failed transaction", after, before)
		}
	})
}
