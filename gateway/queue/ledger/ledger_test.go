package ledger_test

import (
	"testing"

	"piway/gateway/queue/ledger"
)

// Numbers up to 2^53 of many runs do not overflow what is missing.
func TestLedger_saturates(t *testing.T) {
	l := ledger.New()
	missing := ledger.Count{Device: "kitchen", Outcome: ledger.Missing}
	for range 5000 {
		l.Add(missing, ledger.Max)
	}
	if err := l.Flush(func(c ledger.Count, n int64) error {
		if c != missing || n != ledger.Max {
			t.Errorf("got %d of %v, want %d of %v", n, c, ledger.Max, missing)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
