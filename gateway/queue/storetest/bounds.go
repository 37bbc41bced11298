package storetest

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
	"piway/shared/sample"
)

// Where all is in one open pass its first reports go, and what is redelivered of them is recognised.
func openPass(t *testing.T, b *Bench) {
	b.Small()
	for seq := range int64(200) {
		b.MustAppend(Big("kitchen", seq+1))
	}
	a := b.Accounts()["kitchen"]
	if a.Dropped[queue.ReasonFull] == 0 || a.Waiting < 20*40 || a.Stored != 200*40 {
		t.Errorf("got %+v, want the first dropped and most of the bound used", a)
	}
	b.Crash()
	b.MustAppend(Big("kitchen", 1))
	if a := b.Accounts()["kitchen"]; a.Duplicate != 40 {
		t.Errorf("got %+v, want the dropped report recognised", a)
	}
	if _, names := b.NextPass("f"); int64(len(names)) != a.Waiting {
		t.Errorf("the pass has %d samples, want the %d that wait", len(names), a.Waiting)
	}
}

// What was dropped while it was being sent stays booked as dropped.
func afterADrop(t *testing.T, b *Bench) {
	b.Small()
	const waiting = 30 * 40 // samples
	for seq := range int64(30) {
		b.MustAppend(Big("attic", seq+1))
	}
	p, _ := b.NextPass("f")
	for seq := range int64(100) { // all in one open pass, so that only what is in hand is closed
		b.MustAppend(Big("kitchen", seq+1))
	}
	if a := b.Accounts()["attic"]; a.Waiting != waiting {
		t.Fatalf("got %+v, want what is in hand kept while there is anything else", a)
	}
	large := Big("kitchen", 101)
	for range 5 {
		large.Samples = append(large.Samples, large.Samples...)
	}
	b.MustAppend(large) // does not fit beside what is in hand
	if a := b.Accounts()["attic"]; a.Dropped[queue.ReasonFull] != waiting {
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
	if a := b.Accounts()["attic"]; a.Sent != 0 || len(a.Parked) != 0 || a.Dropped[queue.ReasonFull] != waiting {
		t.Errorf("got %+v, want all dropped and nothing else", a)
	}
}

// The ledger balances while it is full and being sent.
func besideSending(t *testing.T, b *Bench) {
	b.Small()
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
			_ = b.Each(ctx, p, CountSent(counts))
			time.Sleep(2 * Window) // slower than they come
			err = b.Settle(ctx, []pass.Done{{Pass: p, Counts: counts}}, nil)
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	})
	for seq := range int64(300) {
		b.MustAppend(Big("kitchen", seq+1))
		time.Sleep(Window / 20)
		b.Accounts()
	}
	cancel()
	sending.Wait()
	if a := b.Accounts()["kitchen"]; a.Sent == 0 || a.Dropped[queue.ReasonFull] == 0 || a.Waiting == 0 {
		t.Errorf("got %+v, want some sent, some dropped, some waiting", a)
	}
}

// What ended longer ago than MaxAge goes, once the clock is right.
func maxAge(t *testing.T, b *Bench) {
	right := false
	b.Change = func(c *queue.Config) {
		c.MaxAge, c.ClockRight = time.Hour, func() bool { return right }
	}
	b.Reopen()
	b.MustAppend(Report("kitchen", "r", 1, "a", "b"))
	time.Sleep(30 * time.Minute)
	b.MustAppend(Report("kitchen", "r", 2, "c"))
	time.Sleep(35 * time.Minute)
	if a := b.Accounts()["kitchen"]; a.Waiting != 3 {
		t.Errorf("got %+v, want nothing dropped while the clock is not right", a)
	}
	b.Stop()
	right = true
	b.Start()
	time.Sleep(time.Second)
	synctest.Wait()
	if a := b.Accounts()["kitchen"]; a.Dropped[queue.ReasonAge] != 2 || a.Waiting != 1 {
		t.Errorf("got %+v, want the 2 old ones dropped", a)
	}
	b.Crash()
	_, names := b.NextPass("f")
	b.WantNames(names, "c")
}

// CountSent counts the samples of a pass as sent.
func CountSent(counts map[ledger.Count]int) func(string, []sample.Sample) error {
	return func(device string, samples []sample.Sample) error {
		counts[ledger.Count{Device: device, Outcome: ledger.Sent}] += len(samples)
		return nil
	}
}
