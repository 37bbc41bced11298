package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"piway/shared/sample"
)

func windowAndGrace(t *testing.T, b *Bench) {
	start := b.Now().Truncate(Window)
	end := start.Add(Window)
	time.Sleep(30 * time.Second)
	b.MustAppend(At("kitchen", 1, "in time", b.Now()))
	time.Sleep(35 * time.Second) // into the grace
	b.MustAppend(At("kitchen", 2, "in the grace", end.Add(-time.Second)))
	b.MustAppend(At("kitchen", 3, "of the next window", b.Now()))
	time.Sleep(Grace) // past it
	b.MustAppend(At("kitchen", 4, "late", end.Add(-time.Second)))

	first, names := b.NextPass("f")
	if first.Start != start.Unix() {
		t.Errorf("got the pass of %d, want %d", first.Start, start.Unix())
	}
	b.WantNames(names, "in time", "in the grace")
	second, names := b.NextPass("f")
	if second.Start != end.Unix() {
		t.Errorf("got the pass of %d, want %d", second.Start, end.Unix())
	}
	b.WantNames(names, "of the next window", "late")
	b.Accounts()
}

// A time ahead of the gateway's goes with the window of arrival, so that it cannot hold a pass open.
func timeAhead(t *testing.T, b *Bench) {
	b.MustAppend(At("kitchen", 1, "ahead", b.Now().Add(time.Hour)))
	p, names := b.NextPass("f")
	if p.Start > b.Now().Unix() {
		t.Errorf("got the pass of %d, which is to come", p.Start)
	}
	b.WantNames(names, "ahead")
}

func clockSetBack(t *testing.T, b *Bench) {
	begun := time.Now()
	b.MustAppend(Report("kitchen", "r", 1, "a"))
	b.WantNames(b.Take(), "a")
	b.MustAppend(Report("kitchen", "r", 2, "b")) // in a pass that is open at the jump
	b.Back.Set(time.Hour)
	b.MustAppend(Report("kitchen", "r", 3, "c"))
	for _, want := range []string{"c", "b"} { // by window: the jump puts c before the one still open
		b.WantNames(b.Take(), want)
	}
	b.MustAppend(Report("kitchen", "r", 4, "d")) // all passes of before the jump are closed
	b.WantNames(b.Take(), "d")
	if took := time.Since(begun); took > 6*(Window+Grace) {
		t.Errorf("the passes closed after %s, as if they had waited for the wall clock", took)
	}
	b.Accounts()
}

// A clock that is set back into windows that wait, and were closed, makes passes of other names, and none is lost or
// mixed.
func clockSetBackOntoABacklog(t *testing.T, b *Bench) {
	for i := range 5 {
		b.MustAppend(Report("kitchen", "r", int64(i+1), string(rune('a'+i))))
		time.Sleep(2 * Window)
	}
	b.Back.Set(10 * Window)
	for i := range 5 {
		b.MustAppend(Report("kitchen", "r", int64(i+6), string(rune('f'+i))))
		time.Sleep(Window)
	}
	got := map[string]bool{}
	for range 10 {
		p, names := b.NextPass("f")
		if len(names) != 1 || got[names[0]] {
			t.Errorf("pass %d holds %q", p.Start, names)
		}
		got[names[0]] = true
		b.Sent(p, len(names))
	}
	if a := b.Accounts()["kitchen"]; a.Sent != 10 || a.Waiting != 0 {
		t.Errorf("got %+v, want 10 sent", a)
	}
}

// A clock that jumps a year ahead and later comes back loses and reorders nothing, holds no pass open for a year, and
// names no later pass for that year.
func clockJumpsAhead(t *testing.T, b *Bench) {
	begun := time.Now()
	b.MustAppend(Report("kitchen", "r", 1, "a"))
	b.Back.Set(-365 * 24 * time.Hour)
	b.MustAppend(Report("kitchen", "r", 2, "b"))
	for _, want := range []string{"a", "b"} {
		b.WantNames(b.Take(), want)
	}
	b.Back.Set(0)
	b.Crash()
	for i, name := range []string{"c", "d"} {
		b.MustAppend(Report("kitchen", "r", int64(3+i), name))
		now := b.Now()
		p, names := b.NextPass("f")
		b.WantNames(names, name)
		if want := now.Truncate(Window).Unix(); p.Start != want {
			t.Errorf("got the pass of %d, want that of the window, %d", p.Start, want)
		}
		b.Sent(p, len(names))
	}
	if took := time.Since(begun); took > 6*(Window+Grace) {
		t.Errorf("the passes closed after %s, as if they had waited for the wall clock", took)
	}
	b.Accounts()
}

func correctsTimes(t *testing.T, b *Bench) {
	e := At("kitchen", 1, "own time", b.Now().Add(-time.Hour))
	e.Samples = append(e.Samples, sample.Sample{Name: "none", Unit: "Count"})
	e.Shift = 3600.5
	e.Arrived = b.Now()
	b.MustAppend(e)
	p, _ := b.NextPass("f")
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
	if want := []float64{arrived + 0.5, arrived}; !slices.Equal(got, want) {
		t.Errorf("times: got %v, want %v", got, want)
	}
	stop := errors.New("enough")
	if err := b.Each(t.Context(), p, func(string, []sample.Sample) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want the callback's error", err)
	}
}
