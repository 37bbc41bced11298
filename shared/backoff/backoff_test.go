package backoff_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"piway/shared/backoff"
)

func TestBackoff_Next_doublesFromMinToMax(t *testing.T) {
	b := backoff.Backoff{Min: time.Second, Max: 4 * time.Second}
	for i, want := range []time.Duration{1, 2, 4, 4, 4} {
		want *= time.Second
		if got := b.Next(); got < want || got >= want+want/2 {
			t.Errorf("wait %d: got %v, want in [%v, %v)", i, got, want, want+want/2)
		}
	}
	b.Reset()
	if got := b.Next(); got < time.Second || got >= 1500*time.Millisecond {
		t.Errorf("after Reset: got %v, want in [1s, 1.5s)", got)
	}
}

func TestBackoff_Next_neverUnderMinWhenMaxIsSmaller(t *testing.T) {
	b := backoff.Backoff{Min: 11 * time.Second, Max: time.Second}
	for range 3 {
		if got := b.Next(); got < 11*time.Second {
			t.Errorf("got %v, want at least 11s", got)
		}
	}
}

func TestBackoff_Wait_endsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		b := backoff.Backoff{Min: time.Hour}
		start := time.Now()
		if err := b.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want deadline exceeded", err)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("waited %v, want 1m", took)
		}
	})
}
