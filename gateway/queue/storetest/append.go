package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
)

// reopen holds the ledger, the reports and what was seen to be there after the store was opened again.
func reopen(t *testing.T, b *Bench, again func()) {
	b.MustAppend(Report("kitchen", "r", 1, "a", "b"))
	b.MustAppend(Report("attic", "r", 1, "c"))
	refused := Report("kitchen", "r", 2, "d")
	refused.Refused = map[string]int{"unit": 2, "value": 1}
	b.MustAppend(refused)
	before := b.Accounts()
	again()
	if after := b.Accounts(); !reflect.DeepEqual(before, after) {
		t.Errorf("the ledger changed: got %+v, want %+v", after, before)
	}
	b.MustAppend(Report("kitchen", "r", 1, "a", "b")) // as if its PUBACK was lost
	b.MustAppend(Report("kitchen", "r", 3, "e"))
	_, names := b.NextPass("f")
	b.WantNames(names, "a", "b", "c", "d", "e")
	want := ledger.Account{
		Device: "kitchen", Received: 9, Refused: map[string]int64{"unit": 2, "value": 1}, Duplicate: 2,
		Stored: 4, Waiting: 4, Expired: map[string]int64{}, Dropped: map[string]int64{},
		Parked: map[string]int64{}, RefusedByCloud: map[string]int64{},
	}
	if got := b.Accounts()["kitchen"]; !reflect.DeepEqual(got, want) {
		t.Errorf("kitchen's account: got %+v, want %+v", got, want)
	}
}

func redelivery(t *testing.T, b *Bench) {
	for i, c := range []struct {
		name        string
		device, run string
		seq         int64
		duplicate   bool
	}{
		{"the same", "kitchen", "r", 7, true},
		{"another seq", "kitchen", "r", 8, false},
		{"another run", "kitchen", "s", 7, false},
		{"another device", "attic", "r", 7, false},
	} {
		of := fmt.Sprint(i) // each has names of its own
		b.MustAppend(Report("kitchen"+of, "r", 7, "a"))
		b.MustAppend(Report(c.device+of, c.run, c.seq, "a"))
		if got := b.Accounts()[c.device+of].Duplicate == 1; got != c.duplicate {
			t.Errorf("%s: recognised: got %t, want %t", c.name, got, c.duplicate)
		}
	}
}

// What was committed after the last fold is known again after a crash.
func redeliveryAfterACrash(t *testing.T, b *Bench) {
	b.MustAppend(Report("kitchen", "r", 1, "a"))
	b.Crash()
	b.MustAppend(Report("kitchen", "r", 1, "a"))
	if a := b.Accounts()["kitchen"]; a.Stored != 1 || a.Duplicate != 1 {
		t.Errorf("got %d stored, %d duplicate, want 1 of each", a.Stored, a.Duplicate)
	}
}

// Of too many runs the one that was silent longest is forgotten.
func manyRuns(t *testing.T, b *Bench) {
	run := func(i int) string { return fmt.Sprintf("run %d", i) }
	for i := range 513 { // one more than are kept
		b.MustAppend(Report("kitchen", run(i), 1, "a"))
		time.Sleep(time.Second)
	}
	time.Sleep(Window + Grace) // the last pass closes
	synctest.Wait()
	b.MustAppend(Report("kitchen", run(512), 1, "a"))
	b.MustAppend(Report("kitchen", run(1), 1, "a"))
	if a := b.Accounts()["kitchen"]; a.Duplicate != 2 {
		t.Errorf("got %d recognised of the runs that are kept, want 2", a.Duplicate)
	}
	b.MustAppend(Report("kitchen", run(0), 1, "a"))
	if a := b.Accounts()["kitchen"]; a.Duplicate != 2 {
		t.Error("the oldest run is still kept")
	}
}

func notRecognisable(t *testing.T, b *Bench) {
	for range 2 {
		b.MustAppend(Report("kitchen", "", 0, "a"))
		b.MustAppend(Report("kitchen", "r", 0, "b"))
	}
	if a := b.Accounts()["kitchen"]; a.Stored != 4 || a.Duplicate != 0 {
		t.Errorf("got %d stored, %d duplicate, want 4 and 0", a.Stored, a.Duplicate)
	}
}

func redeliveryOfARefusedReport(t *testing.T, b *Bench) {
	e := Report("kitchen", "r", 1)
	e.Refused = map[string]int{"unit": 3}
	b.MustAppend(e)
	b.Crash()
	b.MustAppend(e)
	if a := b.Accounts()["kitchen"]; a.Received != 6 || a.Duplicate != 3 || a.Refused["unit"] != 3 {
		t.Errorf("got %+v, want 6 received, 3 refused for their unit, 3 duplicate", a)
	}
}

func doneInOrder(t *testing.T, b *Bench) {
	const n = 3000 // more than a transaction holds
	got := make(chan int64, n)
	for i := range int64(n) {
		b.Append(Report("kitchen", "r", i+1, "a"), func(err error) {
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
}

func doneMeansOnDisk(t *testing.T, b *Bench) {
	copied := make(chan string, 1)
	e := Report("kitchen", "r", 1, "a")
	e.Arrived = b.Now()
	// While done is called no other commit can come, so what the files hold now is what done promises.
	b.Append(e, func(error) { copied <- b.copyFiles() })
	c := New(t, b.open, queue.Config{Path: <-copied})
	defer c.Stop()
	if a := c.Accounts()["kitchen"]; a.Waiting != 1 {
		t.Errorf("got %d waiting on the disk when done was called, want 1", a.Waiting)
	}
}

func afterTheEnd(t *testing.T, b *Bench) {
	waiting := make(chan error, 1)
	go func() {
		_, err := b.Next(context.Background(), pass.Order{}, "f")
		waiting <- err
	}()
	synctest.Wait()
	b.Stop()
	if err := <-waiting; !errors.Is(err, queue.ErrClosed) {
		t.Errorf("Next: got %v, want ErrClosed", err)
	}
	if err := b.TryAppend(Report("kitchen", "r", 1, "a")); !errors.Is(err, queue.ErrClosed) {
		t.Errorf("Append: got %v, want ErrClosed", err)
	}
}

func owners(t *testing.T, b *Bench) {
	first := Report("kitchen", "r", 1, "a")
	first.Claims = []string{"a", "b"}
	second := Report("attic", "r", 1, "b")
	second.Claims = []string{"b", "c"}
	b.MustAppend(first)
	b.MustAppend(second)
	b.Crash()
	got, err := b.Owners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"a": "kitchen", "b": "kitchen", "c": "attic"}; !maps.Equal(got, want) {
		t.Errorf("owners: got %v, want %v", got, want)
	}
}

// Of a device's boots the newest are kept, over a crash, with the last that was told of each.
func boots(t *testing.T, b *Bench) {
	const kept = 16
	for i := range int64(kept + 4) {
		e := Report("kitchen", "r", i+1, "a")
		e.Boot, e.Booted = fmt.Sprint("boot ", i), float64(i+1)
		b.MustAppend(e)
	}
	e := Report("attic", "r", 1, "a")
	e.Boot, e.Booted = "boot 1", 7.5
	b.MustAppend(e)
	b.Crash()
	var got []string
	if err := b.Boots(t.Context(), func(device, id string, began float64) {
		got = append(got, fmt.Sprint(device, " ", id, " ", began))
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != kept+1 || got[0] != "kitchen boot 4 5" || got[kept-1] != "kitchen boot 19 20" ||
		got[kept] != "attic boot 1 7.5" {
		t.Errorf("got %q, want the last %d of the kitchen and that of the attic", got, kept)
	}
}
