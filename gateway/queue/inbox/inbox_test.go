package inbox_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"piway/gateway/queue/inbox"
)

// What is put in while the box is closed is taken out or refused, each once.
func TestBox_Close(t *testing.T) {
	t.Parallel()
	const senders, each = 8, 1000
	var mu sync.Mutex
	got := map[int]int{}
	count := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		got[n]++
	}
	b := inbox.New(count)
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for i := range each {
				b.Put(s*each+i, nil)
			}
		})
	}
	for taken := 0; taken < senders*each/2; {
		some := b.Gather([]int{<-b.Next()})
		for _, n := range some {
			count(n)
		}
		taken += len(some)
	}
	b.Close()
	sending.Wait()
	<-b.Closed()
	for n := range senders * each {
		if got[n] != 1 {
			t.Fatalf("%d came out %d times, want once", n, got[n])
		}
	}
}

// What nobody took out is refused, and so is what comes later.
func TestBox_Close_refuses(t *testing.T) {
	t.Parallel()
	var refused []int
	b := inbox.New(func(n int) { refused = append(refused, n) })
	b.Put(1, nil)
	b.Put(2, nil)
	b.Close()
	b.Put(3, nil)
	if !slices.Equal(refused, []int{1, 2, 3}) {
		t.Errorf("refused are %v, want all three", refused)
	}
}

// A lone sender is not kept waiting; in company, all who come at once are together.
func TestBox_Gather(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := inbox.New(func(int) {})
		if got := b.Gather([]int{1}); len(got) != 1 {
			t.Errorf("got %v, want the one that is there", got)
		}
		b.Put(2, nil)
		go func() {
			for i := range 3 {
				b.Put(i+3, nil)
			}
		}()
		if got := b.Gather([]int{1}); !slices.Equal(got, []int{1, 2, 3, 4, 5}) {
			t.Errorf("got %v, want all in order", got)
		}
	})
}

// Who has no time waits no longer for room, and what it has is neither in nor refused; where there is room it is in.
func TestBox_Put_until(t *testing.T) {
	t.Parallel()
	b := inbox.New(func(n int) { t.Errorf("%d is refused", n) })
	over := make(chan struct{})
	close(over)
	n := 0
	for n < 1<<16 && b.Put(n, over) {
		n++
	}
	if n == 0 || n == 1<<16 {
		t.Fatalf("%d are in, want as many as there is room for", n)
	}
	for taken := 0; taken < n; {
		taken += len(b.Take([]int{<-b.Next()}))
		if taken > n {
			t.Fatalf("%d came out of %d", taken, n)
		}
	}
}
