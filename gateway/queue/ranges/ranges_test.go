package ranges_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"piway/gateway/queue/ranges"
)

func TestRanges_addInAnyOrder(t *testing.T) {
	want := "1-5,7-7,9-12"
	numbers := []int64{1, 2, 3, 4, 5, 7, 9, 10, 11, 12, 3, 7} // two of them twice
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		rng.Shuffle(len(numbers), func(i, j int) { numbers[i], numbers[j] = numbers[j], numbers[i] })
		var s ranges.Ranges
		for _, n := range numbers {
			s = s.Add(n)
		}
		if got := s.String(); got != want {
			t.Fatalf("adding %v: got %s, want %s", numbers, got, want)
		}
		for n := range int64(15) {
			if got, want := s.Has(n), slices.Contains(numbers, n); got != want {
				t.Errorf("%s has %d: got %t, want %t", s, n, got, want)
			}
		}
	}
}

func TestParse_refuses(t *testing.T) {
	for _, text := range []string{
		"1", "-", "1-", "2-1", "1-2,", "1-2,3-4", "5-6,1-2", "a-b", "1-2;4-5",
		"1-99999999999999999999",
	} {
		if s, err := ranges.Parse(text); err == nil {
			t.Errorf("parsing %q: got %v, want an error", text, s)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "1-42,44-44", "1-1", "0-9223372036854775807", "3-1", "1-2,3-4", "-1-2", "+1-2",
		"01-2",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ranges.Parse(text)
		if err != nil {
			return
		}
		again, err := ranges.Parse(s.String())
		if err != nil || !slices.Equal(s, again) {
			t.Errorf("%q is read as %v, which is read back as %v, %v", text, s, again, err)
		}
		for _, one := range s {
			if !s.Has(one.Lo) || !s.Has(one.Hi) {
				t.Errorf("%q: its own ends %v are not found", text, one)
			}
		}
	})
}

func TestRanges_Gaps(t *testing.T) {
	for _, c := range []struct {
		text        string
		gaps, count int64
	}{
		{"", 0, 0},
		{"1-3", 0, 3},
		{"2-3,7-7,9-9", 5, 4},
		{"9007199254740991-9007199254740991", 1<<53 - 2, 1},
		{"0-0,9-9", 8, 2},
		{"1-9223372036854775807", 0, 1<<63 - 1},
		{"1-1,9223372036854775807-9223372036854775807", 1<<63 - 3, 2},
	} {
		r, err := ranges.Parse(c.text)
		if err != nil || r.Gaps() != c.gaps || r.Count() != c.count {
			t.Errorf("%q: got %d gaps in %d numbers, %v, want %d in %d", c.text, r.Gaps(), r.Count(), err, c.gaps, c.count)
		}
	}
}
