package queue_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue"
)

const linger = 6 * time.Second

// lingering runs f with a store that waits for company.
func lingering(t *testing.T, f func(*testing.T, *bench)) {
	t.Helper()
	inBubble(t, func(t *testing.T, b *bench) {
		b.Change = func(c *queue.Config) { c.Linger = linger }
		b.Reopen()
		f(t, b)
	})
}

// took is how long an entry waits for done, which says that it is on disk.
func (b *bench) took(e queue.Entry) time.Duration {
	b.T.Helper()
	start := time.Now()
	b.MustAppend(e)
	return time.Since(start)
}

// begun appends an entry and returns what tells when it was done.
func (b *bench) begun(e queue.Entry) <-chan time.Time {
	b.T.Helper()
	e.Arrived = b.Now()
	done := make(chan time.Time, 1)
	b.Append(e, func(err error) {
		if err != nil {
			b.T.Errorf("%s %d: %v", e.Device, e.Seq, err)
		}
		done <- time.Now()
	})
	return done
}

// Only what an agent sends at its leisure waits long.
func TestQueue_waits(t *testing.T) {
	claims := report("attic", "r", 2, "a")
	claims.Claims = []string{"a"}
	for name, c := range map[string]struct {
		entry queue.Entry
		want  time.Duration
	}{
		"an agent's report":       {report("attic", "r", 2, "a"), linger},
		"an agent's first report": {report("attic", "r", 1, "a"), 200 * time.Millisecond},
		"a script's message":      {report("attic", "", 0, "a"), 200 * time.Millisecond},
		"a name that is claimed":  {claims, 0},
	} {
		t.Run(name, func(t *testing.T) {
			lingering(t, func(t *testing.T, b *bench) {
				if got := b.took(c.entry); got != c.want {
					t.Errorf("waited %s, want %s", got, c.want)
				}
			})
		})
	}
}

// Ten agents that report within five seconds share a commit.
func TestQueue_company(t *testing.T) {
	lingering(t, func(t *testing.T, b *bench) {
		start := time.Now()
		var all []<-chan time.Time
		for i := range 10 {
			all = append(all, b.begun(report(fmt.Sprintf("pi-%d", i), "r", 7, "a")))
			time.Sleep(500 * time.Millisecond)
		}
		for i, done := range all {
			if got := (<-done).Sub(start); got != linger {
				t.Errorf("report %d is on disk after %s, want %s", i, got, linger)
			}
		}
	})
}

// Large reports wait for few others: what waits is in memory.
func TestQueue_waitsForABound(t *testing.T) {
	lingering(t, func(t *testing.T, b *bench) {
		names := slices.Repeat([]string{"a"}, 16_000)
		first := b.begun(report("kitchen", "r", 2, names...))
		time.Sleep(time.Second)
		if got := b.took(report("attic", "r", 2, names...)); got > 2*time.Millisecond {
			t.Errorf("the second one waited %s", got)
		}
		<-first
	})
}

// A device that sends one report after the other waits for none of them but the first, and nobody waits for longer
// because of it.
func TestQueue_busySender(t *testing.T) {
	lingering(t, func(t *testing.T, b *bench) {
		other := b.begun(report("kitchen", "r", 2, "a"))
		first := b.begun(report("attic", "r", 2, "a"))
		time.Sleep(time.Second)
		start := time.Now()
		second := b.begun(report("attic", "r", 3, "a"))
		for _, done := range []<-chan time.Time{other, first, second} {
			if got := (<-done).Sub(start); got > 2*time.Millisecond {
				t.Errorf("on disk after %s, want at once", got)
			}
		}
		for seq := range int64(100) {
			if got := b.took(report("attic", "r", 4+seq, "a")); got != 0 {
				t.Fatalf("report %d waited %s", seq, got)
			}
		}
		time.Sleep(time.Second)
		if got := b.took(report("attic", "r", 200, "a")); got != linger {
			t.Errorf("after a pause: waited %s, want %s", got, linger)
		}
	})
}

// What waits is stored before its pass closes: else its window would get a second datum.
func TestQueue_waitsForNoClosing(t *testing.T) {
	for name, first := range map[string]bool{"of a pass that is there": true, "the first of its pass": false} {
		t.Run(name, func(t *testing.T) {
			lingering(t, func(t *testing.T, b *bench) {
				late := report("kitchen", "r", 2, "a")
				late.Samples[0].Time = float64(b.Now().Add(59 * time.Second).Unix())
				want := 1
				if first {
					b.MustAppend(report("attic", "r", 1, "a"))
					want = 2
				}
				time.Sleep(time.Until(time.Unix(pass.Window(time.Now(), window), 0).Add(window + grace - time.Second)))
				if got := b.took(late); got > time.Second {
					t.Errorf("waited %s, and its pass closes in a second", got)
				}
				time.Sleep(time.Second)
				p, samples := b.NextPass("f")
				if len(samples) != want || p.First != 1 || p.Last != int64(want) {
					t.Errorf("got pass %+v with %d samples, want %d", p, len(samples), want)
				}
			})
		})
	}
}

// A position goes along with the reports that come, waits for them no longer than twice linger, and not if somebody
// hurries. What waits when the queue ends is on disk.
func TestQueue_settleSoon(t *testing.T) {
	lingering(t, func(t *testing.T, b *bench) {
		b.MustAppend(report("kitchen", "r", 1, "a", "b", "c", "d", "e"))
		p, _ := b.NextPass("f")
		settle := func(at string) <-chan time.Duration {
			took := make(chan time.Duration, 1)
			p.Next++
			start, moved := time.Now(), p.Clone()
			go func() {
				if err := b.queue().SettleSoon(t.Context(), nil, []pass.Pass{moved}); err != nil {
					t.Errorf("%s: %v", at, err)
				}
				took <- time.Since(start)
			}()
			return took
		}
		if got := <-settle("alone"); got != 2*linger {
			t.Errorf("alone it took %s, want %s", got, 2*linger)
		}
		along := settle("along")
		time.Sleep(time.Second)
		b.took(report("kitchen", "r", 2, "a"))
		if got := <-along; got != time.Second+linger {
			t.Errorf("with a report it took %s, want %s", got, time.Second+linger)
		}
		hurried := settle("hurried")
		time.Sleep(time.Second)
		b.queue().Hurry()
		if got := <-hurried; got != time.Second {
			t.Errorf("hurried it took %s, want 1s", got)
		}
		b.queue().Hurry() // for the next
		if got := <-settle("hurried before"); got != 0 {
			t.Errorf("hurried before it took %s, want none", got)
		}
		last := settle("at the end")
		time.Sleep(time.Second)
		b.Reopen()
		if got := <-last; got != time.Second {
			t.Errorf("at the end it took %s, want 1s", got)
		}
		if got, _ := b.NextPass("f"); got.Next != 5 {
			t.Errorf("got position %d, want 5", got.Next)
		}
	})
}

// The row of an open pass says of more ids than it has, and is written again when these are used up: whatever the queue
// is killed at, the pass has all of its reports.
func TestQueue_leases(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		seq := int64(0)
		fill := func(n int) {
			done := make(chan error, n)
			for range n {
				seq++
				e := report("kitchen", "r", seq, "a")
				e.Arrived = b.Now()
				b.Append(e, func(err error) { done <- err })
			}
			for range n {
				if err := <-done; err != nil {
					t.Fatal(err)
				}
			}
		}
		fill(10)
		b.Crash()
		fill(2 * 4500)
		b.Crash() // and nothing comes behind them
		if p, samples := b.NextPass("f"); len(samples) != int(seq) || p.Last != seq {
			t.Errorf("got pass %+v with %d samples, want %d", p, len(samples), seq)
		}
	})
}
