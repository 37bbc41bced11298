package intake_test

import (
	"math"
	"testing"
)

// What is dated again by a guess, the own clock of an earlier run of the gateway's machine, dates nothing that comes
// now.
func TestIntake_Date_guess(t *testing.T) {
	for _, script := range []bool{false, true} {
		l := newLine(t)
		l.withoutUptime = script
		l.send(0, 0.1)
		old := l.last // as a report that an earlier run took, whose clock was a day behind
		l.send(60, 60.1)
		if _, ok := l.in.Date(&old, l.wall(0.1-24*3600)); !ok {
			t.Fatal("not dated")
		}
		for at := 120.0; at < 1800; at += 60 {
			if off := l.send(at, at+0.1); math.Abs(off) > 1 {
				t.Fatalf("script %v: a sample that comes at once is dated %.0f s wrong", script, off)
			}
		}
	}
}
