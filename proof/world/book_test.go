package world_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"piway/localcore/localcore"
	"piway/proof/world"
)

// What arrives before its acknowledgement is known is not lost; what arrives again counts each time.
func TestBook(t *testing.T) {
	var b world.Book[string]
	b.Acked("a")
	b.Acked("a") // a second PUBACK says nothing new
	b.Came("b")
	if got, want := b.Counts(), (world.Counts{Acked: 1, Delivered: 1, Lost: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if lost, some := b.Lost(); !some || lost != "a" {
		t.Errorf("%q is lost, want a", lost)
	}
	done := make(chan bool)
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() { done <- b.Wait(soon, func(c world.Counts) bool { return c.Lost == 0 && c.Twice == 3 }) }()
	b.Acked("b")
	for range 2 {
		b.Came("a")
		b.Came("b")
	}
	if !<-done {
		t.Errorf("got %+v", b.Counts())
	}
	if lost, some := b.Lost(); some {
		t.Errorf("%q is lost", lost)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if b.Wait(ended, func(world.Counts) bool { return false }) {
		t.Error("it is so, and cannot be")
	}
}

// The book sees what is lost, what came again and what is wrong, in both forms.
func TestSamples(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	var s world.Samples
	for i := range 5 {
		number := s.Made(world.Sample{Device: "dev-0", Name: "n1", Time: at.Add(time.Duration(i) * time.Second)})
		if i < 4 {
			s.Acked(number)
		}
	}
	record := world.Record{Path: filepath.Join(t.TempDir(), "record")}
	if err := s.Take(&record); err != nil || s.Verdict().Lost != 4 {
		t.Errorf("without a record: %+v, %v", s.Verdict(), err)
	}
	f, err := os.Create(record.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := json.NewEncoder(f)
	for i, d := range []localcore.Recorded{
		{Name: "n1 (dev-0)", Value: 0, Timestamp: at},
		{Name: "n1", Dimensions: map[string]string{"device": "dev-0"}, Value: 0, Timestamp: at}, // twice
		{Name: "n1 (dev-0)", Value: 2, Timestamp: at.Add(11 * time.Second)},                     // at another time
		{Name: "n1 (dev-0)", Value: 4, Timestamp: at.Add(4 * time.Second)},                      // not acknowledged, and here
		{Name: "n2 (dev-0)", Value: 1, Timestamp: at.Add(time.Second)},                          // another name
		{Name: "n1 (dev-1)", Value: 1, Timestamp: at.Add(time.Second)},                          // another device
		{Name: "n1 (dev-0)", Value: 1.5, Timestamp: at.Add(time.Second)},                        // never made,
		{Name: "n1 (dev-0)", Value: 7, Timestamp: at},                                           // nor this
	} {
		if err := lines.Encode(d); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			if err := s.Take(&record); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Take(&record); err != nil {
		t.Fatal(err)
	}
	v := s.Verdict()
	if v.FirstLost == "" || v.FirstWrong == "" {
		t.Errorf("no examples: %+v", v)
	}
	v.FirstLost, v.FirstWrong = "", ""
	if want := (world.Verdict{
		Counts: world.Counts{Acked: 4, Delivered: 3, Lost: 2, Twice: 1}, Made: 5,
		Wrong: 5,
	}); v != want {
		t.Errorf("got %+v, want %+v", v, want)
	}
}
