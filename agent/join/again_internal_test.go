package join

import (
	"strings"
	"testing"
)

// A gateway that makes room for others cuts a machine off that has just come. It asks again, and joins.
func TestJoin_cutOff(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.cut.Store(int64(len(pauses)))
	m := newMachine(t, "")
	if err := m.join(t.Context(), g.token(t, 1)); err != nil {
		t.Fatalf("%v\n%s", err, &m.out)
	}
	if n := strings.Count(m.out.String(), "Asking again"); n != len(pauses) {
		t.Errorf("told %d times\n%s", n, &m.out)
	}
	g.cut.Store(int64(len(pauses)) + 1)
	if err := newMachine(t, "").join(t.Context(), g.token(t, 2)); err == nil {
		t.Error("asks without end")
	}
}
