package queue_test

import (
	"testing"
	"time"
)

// A ledger of very many reports does not count them, and says so.
func TestQueue_Ledger_ofMany(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.MustAppend(report("kitchen", "r", 1, "a", "b"))
		b.MustAppend(report("attic", "r", 1, "a"))
		time.Sleep(window + grace + time.Second) // which folds
		if a := b.Accounts()["kitchen"]; a.Booked || a.Waiting != 2 {
			t.Errorf("of few: got %+v, want 2 counted", a)
		}
		b.sql(`WITH RECURSIVE i(id) AS (SELECT 10 UNION ALL SELECT id+1 FROM i WHERE id<60009)
			INSERT INTO report SELECT i.id, r.pass, 'kitchen', '', 0, 0, '', 0, '', r.arrived, 0, 0, 3, r.samples, 0, 0, 0
			FROM i, report r WHERE r.device='kitchen' AND r.id=1;
			UPDATE ledger SET n=n+3*59000 WHERE device='kitchen' AND outcome IN ('received', 'stored');
			UPDATE meta SET n=59009 WHERE key='fold'`)
		by := b.Accounts()
		if a := by["kitchen"]; !a.Booked || a.Waiting != 2+3*60000 || a.Stored != a.Waiting || a.Received != a.Waiting {
			t.Errorf("of many: got %+v, want %d booked, folded or not", a, 2+3*60000)
		}
		if a := by["attic"]; a.Waiting != 1 {
			t.Errorf("of another: got %+v, want 1 waiting", a)
		}
	})
}
