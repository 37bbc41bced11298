package spool_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"piway/agent/spool"
	"piway/shared/sample"
)

// held reads all reports that are not acknowledged and returns their Seq.
func held(t *testing.T, s *spool.Spool) []int64 {
	t.Helper()
	var seqs []int64
	for pos := uint64(0); len(seqs) < s.Len(); {
		next, r, err := s.Next(t.Context(), pos)
		if err != nil {
			t.Fatal(err)
		}
		pos, seqs = next, append(seqs, r.Seq)
	}
	return seqs
}

func TestSpool_keeps_until_Ack(t *testing.T) {
	t.Parallel()
	s := spool.New(10)
	for seq := range int64(4) {
		s.Add(sample.Report{Seq: seq})
	}
	for range 2 { // reading forgets nothing
		if got := held(t, s); !slices.Equal(got, []int64{0, 1, 2, 3}) {
			t.Fatalf("got %v, want 0 to 3", got)
		}
	}
	second, _, err := s.Next(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	s.Ack(second)
	s.Ack(second)
	s.Ack(99)
	if got := held(t, s); !slices.Equal(got, []int64{0, 2, 3}) {
		t.Errorf("after Ack of the second: got %v, want 0 2 3", got)
	}
}

func TestSpool_full_drops_the_oldest(t *testing.T) {
	t.Parallel()
	s := spool.New(3)
	for seq := range int64(5) {
		if got, want := s.Add(sample.Report{Seq: seq}), seq < 3; got != want {
			t.Errorf("Add of %d: got %t, want %t", seq, got, want)
		}
	}
	if got := held(t, s); !slices.Equal(got, []int64{2, 3, 4}) {
		t.Errorf("got %v, want 2 3 4", got)
	}
	if s.Dropped() != 2 || s.Len() != 3 {
		t.Errorf("got %d dropped, %d held, want 2 and 3", s.Dropped(), s.Len())
	}
	s.Ack(1) // the report was under way while it was dropped
	if s.Len() != 3 {
		t.Error("Ack of a dropped report forgot another one")
	}
}

func TestSpool_Next_waits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := spool.New(3)
		got := make(chan int64, 1)
		go func() {
			_, r, _ := s.Next(t.Context(), 0)
			got <- r.Seq
		}()
		synctest.Wait()
		s.Add(sample.Report{Seq: 7})
		if seq := <-got; seq != 7 {
			t.Errorf("got %d, want 7", seq)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := s.Next(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("Next after the end: got %v, want canceled", err)
		}
	})
}

func TestSpool_Empty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := spool.New(3)
		if err := s.Empty(t.Context()); err != nil {
			t.Errorf("an empty spool: got %v", err)
		}
		s.Add(sample.Report{})
		done := make(chan error, 1)
		go func() { done <- s.Empty(t.Context()) }()
		synctest.Wait()
		if len(done) != 0 {
			t.Error("Empty returned while a report was held")
		}
		s.Ack(1)
		if err := <-done; err != nil {
			t.Errorf("got %v", err)
		}
		s.Add(sample.Report{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Empty(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want canceled", err)
		}
	})
}
