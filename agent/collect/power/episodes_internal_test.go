package power

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A step is what is told at a second; take has the amounts taken then.
type step struct {
	at   int
	on   bool
	most time.Duration
	take bool
}

func TestEpisodes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		steps []step
		want  []amounts // in seconds
	}{
		{"nothing", []step{{at: 10, take: true}}, []amounts{{}}},
		{
			"two, and nothing since",
			[]step{{at: 1, on: true}, {at: 3}, {at: 4, on: true}, {at: 9}, {at: 10, take: true}, {at: 20, take: true}},
			[]amounts{{2, 7, 5}, {}},
		},
		{
			"over a reading's end, and over a whole reading",
			[]step{
				{at: 8, on: true},
				{at: 10, take: true},
				{at: 20, take: true},
				{at: 23},
				{at: 24, on: true},
				{at: 25},
				{at: 30, take: true},
			},
			[]amounts{{1, 2, 2}, {0, 10, 12}, {1, 4, 15}},
		},
		{
			"told twice",
			[]step{{at: 1, on: true}, {at: 2, on: true}, {at: 3}, {at: 4}, {at: 10, take: true}},
			[]amounts{{1, 2, 2}},
		},
		{
			"bounded: it ends by itself",
			[]step{{at: 1, on: true, most: 2 * time.Second}, {at: 10, take: true}, {at: 11}},
			[]amounts{{1, 2, 2}},
		},
		{
			"bounded: told to end before",
			[]step{{at: 1, on: true, most: 2 * time.Second}, {at: 2}, {at: 10, take: true}},
			[]amounts{{1, 1, 1}},
		},
		{
			"bounded: it goes on",
			[]step{{at: 1, on: true, most: 2 * time.Second}, {at: 2, on: true}, {at: 7}, {at: 10, take: true}},
			[]amounts{{1, 6, 6}},
		},
		{
			"bounded: over a reading's end",
			[]step{{at: 9, on: true, most: 2 * time.Second}, {at: 10, take: true}, {at: 20, take: true}},
			[]amounts{{1, 1, 1}, {0, 1, 2}},
		},
		{
			"bounded: another after its end",
			[]step{{at: 1, on: true, most: 2 * time.Second}, {at: 6, on: true}, {at: 7}, {at: 10, take: true}},
			[]amounts{{2, 3, 2}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var e episodes
			var got []amounts
			start := time.Now()
			for _, s := range tt.steps {
				now := start.Add(time.Duration(s.at) * time.Second)
				if !s.take {
					e.setFor(s.on, s.most, now)
					continue
				}
				a := e.take(now)
				got = append(got, amounts{a.number, a.held / time.Second, a.longest / time.Second})
			}
			for i, want := range tt.want {
				if got[i] != want {
					t.Errorf("reading %d: got %v, want %v", i, got[i], want)
				}
			}
		})
	}
}

// However the readings lie, they add up to what was.
func TestEpisodes_readings_add_up(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		var e episodes
		var got, want amounts
		now, on := time.Now(), false
		for range 300 {
			by := time.Duration(random.IntN(5)) * time.Second
			now = now.Add(by)
			if on {
				want.held += by
			}
			if random.IntN(4) == 0 {
				a := e.take(now)
				got.number += a.number
				got.held += a.held
				continue
			}
			next := random.IntN(2) == 0
			if next && !on {
				want.number++
			}
			on = next
			e.set(on, now)
		}
		a := e.take(now)
		got.number += a.number
		got.held += a.held
		if got != want {
			t.Fatalf("seed %d: got %v, want %v", seed, got, want)
		}
	}
}
