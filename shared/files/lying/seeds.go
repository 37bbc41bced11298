package lying

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// Seeds tries seeds in subtests: from 1 on, count of them, so that a test does the same wherever it runs. The
// environment has it explore: PIWAY_LYING_FOR says for how long instead of how many, PIWAY_LYING_FROM where it begins,
// a number or "random", and PIWAY_LYING_SEED is one seed alone. It goes on after one that fails, and names all at the
// end.
func Seeds(t *testing.T, count int, try func(t *testing.T, seed uint64)) {
	t.Helper()
	seed, more := plan(t, count, os.Getenv)
	tried, failed := 0, []uint64{}
	for ; more(tried); tried++ {
		if !t.Run("seed "+strconv.FormatUint(seed, 10), func(t *testing.T) { try(t, seed) }) {
			failed = append(failed, seed)
		}
		seed++
	}
	t.Logf("%d seeds up to %d", tried, seed-1)
	if len(failed) > 0 {
		t.Errorf("%d of %d seeds failed: %d, try: PIWAY_LYING_SEED=%d", len(failed), tried, failed, failed[0])
	}
}

// plan returns the first seed, and whether there is one more after so many. One is tried at least.
func plan(t testing.TB, count int, env func(string) string) (first uint64, more func(tried int) bool) {
	t.Helper()
	number := func(name string) uint64 {
		n, err := strconv.ParseUint(env(name), 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	if env(one) != "" {
		return number(one), func(tried int) bool { return tried == 0 }
	}
	switch first = 1; env(from) {
	case "":
	case "random":
		first = rand.Uint64N(1e9) //nolint:gosec // no secret
	default:
		first = number(from)
	}
	if env(length) == "" {
		return first, func(tried int) bool { return tried < count }
	}
	d, err := time.ParseDuration(env(length))
	if err != nil {
		t.Fatalf("%s: %v", length, err)
	}
	end := time.Now().Add(d)
	return first, func(tried int) bool { return tried == 0 || time.Now().Before(end) }
}

// Names of the environment.
const (
	one    = "PIWAY_LYING_SEED"
	from   = "PIWAY_LYING_FROM"
	length = "PIWAY_LYING_FOR"
)
