package queue_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
	"piway/shared/sample"
)

func TestQueue_reopen(t *testing.T) {
	for name, reopen := range map[string]func(*bench){"clean": (*bench).reopen, "crash": (*bench).crash} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.mustAppend(report("kitchen", "r", 1, "a", "b"))
				b.mustAppend(report("attic", "r", 1, "c"))
				refused := report("kitchen", "r", 2, "d")
				refused.Refused = map[string]int{"unit": 2, "value": 1}
				b.mustAppend(refused)
				before := b.accounts()
				reopen(b)
				if diff := cmp.Diff(before, b.accounts()); diff != "" {
					t.Errorf("the ledger changed (-before +after):\n%s", diff)
				}
				b.mustAppend(report("kitchen", "r", 1, "a", "b")) // as if its PUBACK was lost
				b.mustAppend(report("kitchen", "r", 3, "e"))
				_, names := b.next("f")
				b.wantNames(names, "a", "b", "c", "d", "e")
				want := ledger.Account{
					Device: "kitchen", Received: 9, Refused: map[string]int64{"unit": 2, "value": 1}, Duplicate: 2,
					Stored: 4, Waiting: 4, Expired: map[string]int64{}, Dropped: map[string]int64{},
					Parked: map[string]int64{}, RefusedByCloud: map[string]int64{},
				}
				if diff := cmp.Diff(want, b.accounts()["kitchen"]); diff != "" {
					t.Errorf("kitchen's account (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestQueue_Append_redelivery(t *testing.T) {
	tests := map[string]struct {
		second    queue.Entry
		duplicate bool
	}{
		"the same":       {report("kitchen", "r", 7, "a"), true},
		"another seq":    {report("kitchen", "r", 8, "a"), false},
		"another run":    {report("kitchen", "s", 7, "a"), false},
		"another device": {report("attic", "r", 7, "a"), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.mustAppend(report("kitchen", "r", 7, "a"))
				b.mustAppend(tt.second)
				if got := b.accounts()[tt.second.Device].Duplicate == 1; got != tt.duplicate {
					t.Errorf("recognised: got %t, want %t", got, tt.duplicate)
				}
			})
		})
	}
}

// What was committed after the last fold is known again after a crash.
func TestQueue_Append_redeliveryAfterACrash(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.mustAppend(report("kitchen", "r", 1, "a"))
		b.crash()
		b.mustAppend(report("kitchen", "r", 1, "a"))
		if a := b.accounts()["kitchen"]; a.Stored != 1 || a.Duplicate != 1 {
			t.Errorf("got %d stored, %d duplicate, want 1 of each", a.Stored, a.Duplicate)
		}
	})
}

// Of too many runs the one that was silent longest is forgotten.
func TestQueue_Append_manyRuns(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		run := func(i int) string { return fmt.Sprintf("run %d", i) }
		for i := range 513 { // one more than are kept
			b.mustAppend(report("kitchen", run(i), 1, "a"))
			time.Sleep(time.Second)
		}
		time.Sleep(window + grace) // the last pass closes
		synctest.Wait()
		b.mustAppend(report("kitchen", run(512), 1, "a"))
		b.mustAppend(report("kitchen", run(1), 1, "a"))
		if a := b.accounts()["kitchen"]; a.Duplicate != 2 {
			t.Errorf("got %d recognised of the runs that are kept, want 2", a.Duplicate)
		}
		b.mustAppend(report("kitchen", run(0), 1, "a"))
		if a := b.accounts()["kitchen"]; a.Duplicate != 2 {
			t.Error("the oldest run is still kept")
		}
	})
}

func TestQueue_Append_notRecognisable(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		for range 2 {
			b.mustAppend(report("kitchen", "", 0, "a"))
			b.mustAppend(report("kitchen", "r", 0, "b"))
		}
		if a := b.accounts()["kitchen"]; a.Stored != 4 || a.Duplicate != 0 {
			t.Errorf("got %d stored, %d duplicate, want 4 and 0", a.Stored, a.Duplicate)
		}
	})
}

func TestQueue_Append_redeliveryOfARefusedReport(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e := queue.Entry{Report: sample.Report{Device: "kitchen", Run: "r", Seq: 1}, Refused: map[string]int{"unit": 3}}
		b.mustAppend(e)
		b.crash()
		b.mustAppend(e)
		if a := b.accounts()["kitchen"]; a.Received != 6 || a.Duplicate != 3 || a.Refused["unit"] != 3 {
			t.Errorf("got %+v, want 6 received, 3 refused for their unit, 3 duplicate", a)
		}
	})
}

func TestQueue_Append_doneInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		const n = 3000 // more than a transaction holds
		got := make(chan int64, n)
		for i := range int64(n) {
			b.Append(report("kitchen", "r", i+1, "a"), func(err error) {
				if err != nil {
					t.Errorf("appending %d: %v", i, err)
				}
				got <- i
			})
		}
		for i := range int64(n) {
			if g := <-got; g != i {
				t.Fatalf("done %d came as number %d", g, i)
			}
		}
	})
}

func TestQueue_Append_doneMeansOnDisk(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		path := filepath.Join(t.TempDir(), "queue.db")
		copied := make(chan struct{})
		e := report("kitchen", "r", 1, "a")
		e.Arrived = b.now()
		// While done is called no other commit can come, so what the files hold now is what done promises.
		b.Append(e, func(error) {
			defer close(copied)
			for _, suffix := range []string{"", "-wal"} {
				text, err := os.ReadFile(b.path + suffix)
				if err == nil {
					err = os.WriteFile(path+suffix, text, 0o600)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
		<-copied
		c := open(t, path, b.max, b.back)
		defer c.stop()
		if a := c.accounts()["kitchen"]; a.Waiting != 1 {
			t.Errorf("got %d waiting on the disk when done was called, want 1", a.Waiting)
		}
	})
}

func TestQueue_Run_closes(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		waiting := make(chan error, 1)
		go func() {
			_, err := b.Next(context.Background(), pass.Order{}, "f")
			waiting <- err
		}()
		synctest.Wait()
		b.stop()
		if err := <-waiting; !errors.Is(err, queue.ErrClosed) {
			t.Errorf("Next: got %v, want ErrClosed", err)
		}
		if err := b.append(report("kitchen", "r", 1, "a")); !errors.Is(err, queue.ErrClosed) {
			t.Errorf("Append: got %v, want ErrClosed", err)
		}
	})
}

func TestQueue_Owners(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		first := report("kitchen", "r", 1, "a")
		first.Claims = []string{"a", "b"}
		second := report("attic", "r", 1, "b")
		second.Claims = []string{"b", "c"}
		b.mustAppend(first)
		b.mustAppend(second)
		b.crash()
		got, err := b.Owners(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"a": "kitchen", "b": "kitchen", "c": "attic"}, got); diff != "" {
			t.Errorf("owners (-want +got):\n%s", diff)
		}
	})
}

// A disk that refuses reports keeps what it took, and goes on once it takes them again.
func TestQueue_Append_full(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.mustAppend(report("kitchen", "r", 1, "a", "b"))
		b.sql(refuseReports)
		if err := b.append(report("kitchen", "r", 2, "c")); err == nil {
			t.Fatal("done(nil) for a report that does not fit")
		}
		if a := b.accounts()["kitchen"]; a.Stored != 2 {
			t.Fatalf("got %d samples stored, want 2: the refused report must not count", a.Stored)
		}
		b.sql("DROP TRIGGER full")
		b.mustAppend(report("kitchen", "r", 2, "c")) // the refused one again: no duplicate
		if a := b.accounts()["kitchen"]; a.Waiting != 3 || a.Duplicate != 0 {
			t.Errorf("got %+v, want 3 waiting, none duplicate", a)
		}
	})
}

// Senders that keep trying while the disk is full must not keep room from being made.
func TestQueue_Settle_besideRefusedAppends(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.mustAppend(report("kitchen", "r", 1, "a", "b"))
		p, names := b.next("f")
		b.sql(refuseReports)
		counts := map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Sent}: len(names)}
		e := report("kitchen", "r", 2, "c")
		e.Arrived = b.now()
		before := b.accounts()["kitchen"]
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
		after := b.accounts()["kitchen"]
		if after.Received != before.Received || after.Sent != before.Stored || after.Waiting != 0 {
			t.Errorf("got %+v, want all of %+v sent and nothing of the failed transaction", after, before)
		}
	})
}
