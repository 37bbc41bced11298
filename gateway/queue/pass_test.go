package queue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
	"piway/shared/sample"
)

// at is a report of which the one sample has its own time.
func at(device string, seq int64, name string, when time.Time) queue.Entry {
	e := report(device, "r", seq, name)
	e.Samples[0].Time = float64(when.Unix())
	return e
}

func TestPass_windowAndGrace(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		start := b.now().Truncate(window)
		end := start.Add(window)
		time.Sleep(30 * time.Second)
		b.mustAppend(at("kitchen", 1, "in time", b.now()))
		time.Sleep(35 * time.Second) // into the grace
		b.mustAppend(at("kitchen", 2, "in the grace", end.Add(-time.Second)))
		b.mustAppend(at("kitchen", 3, "of the next window", b.now()))
		time.Sleep(grace) // past it
		b.mustAppend(at("kitchen", 4, "late", end.Add(-time.Second)))

		first, names := b.next("f")
		if first.Start != start.Unix() {
			t.Errorf("got the pass of %d, want %d", first.Start, start.Unix())
		}
		b.wantNames(names, "in time", "in the grace")
		second, names := b.next("f")
		if second.Start != end.Unix() {
			t.Errorf("got the pass of %d, want %d", second.Start, end.Unix())
		}
		b.wantNames(names, "of the next window", "late")
		b.accounts()
	})
}

// A time ahead of the gateway's goes with the window of arrival, so that it cannot hold a pass open.
func TestPass_timeAhead(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.mustAppend(at("kitchen", 1, "ahead", b.now().Add(time.Hour)))
		p, names := b.next("f")
		if p.Start > b.now().Unix() {
			t.Errorf("got the pass of %d, which is to come", p.Start)
		}
		b.wantNames(names, "ahead")
	})
}

func TestPass_clockSetBack(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		begun := time.Now()
		b.mustAppend(report("kitchen", "r", 1, "a"))
		b.wantNames(b.take(), "a")
		b.mustAppend(report("kitchen", "r", 2, "b")) // in a pass that is open at the jump
		b.back.set(time.Hour)
		b.mustAppend(report("kitchen", "r", 3, "c"))
		for _, want := range []string{"c", "b"} { // by window: the jump puts c before the one still open
			b.wantNames(b.take(), want)
		}
		b.mustAppend(report("kitchen", "r", 4, "d")) // all passes of before the jump are closed
		b.wantNames(b.take(), "d")
		if took := time.Since(begun); took > 6*(window+grace) {
			t.Errorf("the passes closed after %s, as if they had waited for the wall clock", took)
		}
		b.accounts()
	})
}

// A clock that is set back into windows that wait, and were closed, makes passes of other names, and none is lost or
// mixed.
func TestPass_clockSetBack_ontoABacklog(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		for i := range 5 {
			b.mustAppend(report("kitchen", "r", int64(i+1), string(rune('a'+i))))
			time.Sleep(2 * window)
		}
		b.back.set(10 * window)
		for i := range 5 {
			b.mustAppend(report("kitchen", "r", int64(i+6), string(rune('f'+i))))
			time.Sleep(window)
		}
		got := map[string]bool{}
		for range 10 {
			p, names := b.next("f")
			if len(names) != 1 || got[names[0]] {
				t.Errorf("pass %d holds %q", p.Start, names)
			}
			got[names[0]] = true
			b.settle(p, len(names))
		}
		if a := b.accounts()["kitchen"]; a.Sent != 10 || a.Waiting != 0 {
			t.Errorf("got %+v, want 10 sent", a)
		}
	})
}

// A clock that jumps a year ahead and later comes back loses and reorders nothing, holds no pass open for a year, and
// names no later pass for that year.
func TestPass_clockJumpsAhead(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		begun := time.Now()
		b.mustAppend(report("kitchen", "r", 1, "a"))
		b.back.set(-365 * 24 * time.Hour)
		b.mustAppend(report("kitchen", "r", 2, "b"))
		for _, want := range []string{"a", "b"} {
			b.wantNames(b.take(), want)
		}
		b.back.set(0)
		b.crash()
		for i, name := range []string{"c", "d"} {
			b.mustAppend(report("kitchen", "r", int64(3+i), name))
			now := b.now()
			p, names := b.next("f")
			b.wantNames(names, name)
			if want := now.Truncate(window).Unix(); p.Start != want {
				t.Errorf("got the pass of %d, want that of the window, %d", p.Start, want)
			}
			b.settle(p, len(names))
		}
		if took := time.Since(begun); took > 6*(window+grace) {
			t.Errorf("the passes closed after %s, as if they had waited for the wall clock", took)
		}
		b.accounts()
	})
}

func TestEach_correctsTimes(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e := at("kitchen", 1, "own time", b.now().Add(-time.Hour))
		e.Samples = append(e.Samples, sample.Sample{Name: "none", Unit: "Count"})
		e.Shift = 3600.5
		e.Arrived = b.now()
		b.mustAppend(e)
		p, _ := b.next("f")
		var got []float64
		if err := b.Each(t.Context(), p, func(_ string, samples []sample.Sample) error {
			for _, s := range samples {
				got = append(got, s.Time)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		arrived := float64(e.Arrived.Unix())
		if diff := cmp.Diff([]float64{arrived + 0.5, arrived}, got); diff != "" {
			t.Errorf("times (-want +got):\n%s", diff)
		}
		stop := errors.New("enough")
		if err := b.Each(t.Context(), p, func(string, []sample.Sample) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("got %v, want the callback's error", err)
		}
	})
}

func TestSettle_positionSurvives(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.mustAppend(report("kitchen", "r", 1, "a", "b", "c"))
		p, _ := b.next("f")
		part := p.Clone()
		part.Next = 2
		part.Expired.Add(0)
		if err := b.Settle(t.Context(), nil, []pass.Pass{part}); err != nil {
			t.Fatal(err)
		}
		b.crash()
		got, names := b.next("f")
		b.wantNames(names, "a", "b", "c")
		if got.Next != 2 || !got.Expired.Has(0) || got.Expired.Has(1) {
			t.Errorf("got position %d, expired %+v, want 2 and datum 0", got.Next, got.Expired)
		}
		if a := b.accounts()["kitchen"]; a.Waiting != 3 {
			t.Errorf("got %d waiting, want 3 until the pass is done", a.Waiting)
		}

		b.Release(got.Start)
		got, _ = b.next("other settings")
		if got.Next != 0 || got.Expired.Has(0) {
			t.Errorf("under another fingerprint: got position %d, expired %+v, want the start", got.Next, got.Expired)
		}
		b.crash()
		if got, _ = b.next("other settings"); got.Next != 0 || got.Expired.Has(0) {
			t.Errorf("after reopening: got position %d, expired %+v, want the start", got.Next, got.Expired)
		}
	})
}

func TestSettle_doneAndPart(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.mustAppend(report("kitchen", "r", 1, "a", "b"))
		b.mustAppend(report("attic", "r", 1, "c"))
		first, _ := b.next("f")
		b.mustAppend(report("kitchen", "r", 2, "d", "e"))
		second, _ := b.next("f")
		second.Next = 1
		counts := map[ledger.Count]int{
			{Device: "kitchen", Outcome: ledger.Sent}:                   1,
			{Device: "kitchen", Outcome: ledger.Expired, Reason: "old"}: 1,
			{Device: "attic", Outcome: ledger.Sent}:                     1,
		}
		if err := b.Settle(t.Context(), []pass.Done{{Pass: first, Counts: counts}}, []pass.Pass{second}); err != nil {
			t.Fatal(err)
		}
		b.crash()
		p, names := b.next("f")
		b.wantNames(names, "d", "e")
		if p.Start != second.Start || p.Next != 1 {
			t.Errorf("got pass %d at %d, want %d at 1", p.Start, p.Next, second.Start)
		}
		got := b.accounts()
		if a := got["kitchen"]; a.Sent != 1 || a.Expired["old"] != 1 || a.Waiting != 2 {
			t.Errorf("kitchen: got %+v, want 1 sent, 1 expired, 2 waiting", a)
		}
		if a := got["attic"]; a.Sent != 1 || a.Waiting != 0 {
			t.Errorf("attic: got %+v, want 1 sent, none waiting", a)
		}
		b.mustAppend(report("kitchen", "r", 1, "a", "b")) // redelivered after it left the disk
		if a := b.accounts()["kitchen"]; a.Duplicate != 2 {
			t.Errorf("got %d duplicate, want 2", a.Duplicate)
		}
	})
}

func TestNext_waits(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		ctx, cancel := context.WithTimeout(t.Context(), window)
		defer cancel()
		b.mustAppend(report("kitchen", "r", 1, "a"))
		if p, err := b.Next(ctx, pass.Order{}, "f"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %+v, %v before the grace has passed, want to wait", p, err)
		}
		got := make(chan error, 1)
		go func() {
			_, err := b.Next(t.Context(), pass.Order{}, "f")
			got <- err
		}()
		synctest.Wait()
		time.Sleep(grace + time.Second)
		synctest.Wait()
		select {
		case err := <-got:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("Next was not woken when the pass closed")
		}
	})
}
