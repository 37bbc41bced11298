package queue_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"piway/gateway/queue/store"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
	"piway/shared/files/lying"
	"piway/shared/testlog"
)

// valued is a report of one sample.
func valued(device string, seq int64, value float64) queue.Entry {
	e := report(device, "r", seq, "load")
	e.Samples[0].Value = value
	return e
}

// thinAfter reopens the queue with thinning.
func (b *bench) thinAfter(after time.Duration) {
	b.T.Helper()
	b.Change = func(c *queue.Config) { c.ThinAfter = after }
	b.Reopen()
}

// summaries returns what waits in thinned passes, and how many closed passes are as they came.
func (b *bench) summaries() (all []pass.Summary, raw int) {
	b.T.Helper()
	n, _, err := b.Backlog(b.T.Context())
	if err != nil {
		b.T.Fatal(err)
	}
	for range n {
		p, err := b.Next(b.T.Context(), pass.Order{Shelved: math.MaxInt64}, "f")
		if err != nil {
			b.T.Fatal(err)
		}
		if p.Thinned == 0 {
			raw++
			continue
		}
		if err := b.EachThinned(b.T.Context(), p, func(_ string, s []pass.Summary) error {
			all = append(all, s...)
			return nil
		}); err != nil {
			b.T.Fatal(err)
		}
	}
	return all, raw
}

// Passes become windows of five minutes, later of an hour, and keep what their samples were, over a crash.
func TestThin(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		time.Sleep(b.Now().Truncate(time.Hour).Add(time.Hour).Sub(b.Now()))
		hour := float64(b.Now().Unix())
		for i, value := range []float64{4, 1, 7, 2, 6} { // three minutes of one five, and the next five
			b.MustAppend(valued("kitchen", int64(i+1), value))
			time.Sleep(100 * time.Second)
		}
		b.thinAfter(10 * time.Minute)
		time.Sleep(15 * time.Minute)
		want := []pass.Summary{
			{Name: "load", Unit: "Count", Time: hour, N: 3, Sum: 12, Min: 1, Max: 7, Last: 7, LastTime: hour + 200},
			{Name: "load", Unit: "Count", Time: hour + 300, N: 2, Sum: 8, Min: 2, Max: 6, Last: 6, LastTime: hour + 400},
		}
		b.Crash()
		got, raw := b.summaries()
		if diff := cmp.Diff(want, got); diff != "" || raw != 0 {
			t.Errorf("after ten minutes %d passes as they came, summaries (-want +got):\n%s", raw, diff)
		}
		b.Crash()                    // lets go of what was in hand
		time.Sleep(85 * time.Minute) // the hour ended four times as long ago
		want = []pass.Summary{{
			Name: "load", Unit: "Count", Time: hour, N: 5, Sum: 20, Min: 1, Max: 7, Last: 6,
			LastTime: hour + 400,
		}}
		b.Crash()
		if got, _ = b.summaries(); cmp.Diff(want, got) != "" {
			t.Errorf("after the hour (-want +got):\n%s", cmp.Diff(want, got))
		}
		if a := b.Accounts()["kitchen"]; a.Waiting != 5 || a.Stored != 5 {
			t.Errorf("got %+v, want 5 waiting", a)
		}
		b.MustAppend(valued("kitchen", 2, 1))
		if a := b.Accounts()["kitchen"]; a.Duplicate != 1 {
			t.Errorf("got %+v, want what was thinned recognised", a)
		}
	})
}

// What is in hand, or partly sent, or parked is left as its numbers say, and so is all while the clock is not right.
func TestThin_leaves(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.Change = func(c *queue.Config) {
			c.ThinAfter, c.ClockRight = 10*time.Minute, func() bool { return false }
		}
		b.Reopen()
		var passes []pass.Pass
		for i := range 4 {
			b.MustAppend(report("kitchen", "r", int64(i+1), "a", "b"))
			p, _ := b.NextPass("f")
			passes = append(passes, p)
		}
		time.Sleep(30 * time.Minute)
		b.Reopen()
		if _, raw := b.summaries(); raw != 4 {
			t.Errorf("%d passes as they came, want all 4 while the clock is not right", raw)
		}
		b.thinAfter(10 * time.Minute)
		held, _ := b.NextPass("f")
		part, parked := passes[1], passes[2]
		part.Next = 1
		parked.Next, parked.Shelved = 2, true
		parked.Parked.Add(0)
		parked.ParkedCounts = map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Parked, Reason: "denied"}: 1}
		if err := b.Settle(t.Context(), nil, []pass.Pass{part, parked}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		var thinned, all int64
		b.query("SELECT COUNT(*) FROM pass WHERE thinned>0", &thinned)
		b.query("SELECT COUNT(*) FROM pass", &all)
		if thinned != 1 || all != 4 || held.Start != passes[0].Start {
			t.Errorf("%d of %d passes are thinned, want the last of 4 alone", thinned, all)
		}
		b.Accounts()
	})
}

// A commit of thinning that fails is an error of the disk like any other.
func TestThin_syncFails(t *testing.T) {
	onLyingDisk(t, func(t *testing.T, d *lying.Disk, cfg queue.Config, log *testlog.Log) {
		cfg.ThinAfter = time.Hour
		b := running(t, cfg)
		for i := range 5 {
			b.MustAppend(report("kitchen", "r", int64(i+1), "a"))
			time.Sleep(window)
		}
		time.Sleep(50 * time.Minute)
		failing(d, "-wal", lying.Sync)
		time.Sleep(30 * time.Minute)
		if n := log.Count("the disk fails to write"); n != 1 {
			t.Errorf("a disk that fails to sync is told %d times, want once", n)
		}
		if err := <-b.ended; !errors.Is(err, store.ErrDisk) {
			t.Errorf("it ended with %v, want ErrDisk, with a copy", err)
		}
	})
}
