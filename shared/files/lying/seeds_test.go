package lying

import (
	"os"
	"slices"
	"testing"
)

// Nothing said, the seeds are the same each time and everywhere, however slow the machine is.
func TestPlan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env   map[string]string
		first uint64
		count int
	}{
		{nil, 1, 3},
		{map[string]string{from: "7"}, 7, 3},
		{map[string]string{one: "9", from: "7", length: "1h"}, 9, 1},
		{map[string]string{length: "0s"}, 1, 1},
		{map[string]string{from: "7", length: "1h"}, 7, 1000},
	} {
		first, more := plan(t, 3, func(name string) string { return c.env[name] })
		n := 0
		for n < 1000 && more(n) {
			n++
		}
		if first != c.first || n != c.count {
			t.Errorf("%v: %d seeds from %d on, want %d from %d on", c.env, n, first, c.count, c.first)
		}
	}
	random := func(name string) string { return map[string]string{from: "random"}[name] }
	a, _ := plan(t, 3, random)
	b, _ := plan(t, 3, random)
	c, _ := plan(t, 3, random)
	if a == b && b == c {
		t.Errorf("random is %d each time", a)
	}
}

func TestSeeds(t *testing.T) {
	if os.Getenv(one)+os.Getenv(from)+os.Getenv(length) != "" {
		t.Skip("the environment says which")
	}
	var got []uint64
	Seeds(t, 3, func(_ *testing.T, seed uint64) { got = append(got, seed) })
	if want := []uint64{1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("got %d, want %d", got, want)
	}
}
