package main

import (
	"math/bits"
	"testing"
	"time"

	"piway/localcore/cloudwatch"
	"piway/proof/world"
)

var testLoad = load{pis: 2, metrics: 2, every: 15 * time.Second, window: time.Minute}

func TestMeans_unique(t *testing.T) {
	for slots := 1; slots <= maxSlots; slots++ {
		if got, want := len(means(slots)), 1<<slots-1; got != want {
			t.Errorf("%d slots: got %d different means, want %d", slots, got, want)
		}
	}
}

func datum(name string, at int64, values ...float64) cloudwatch.Datum {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return cloudwatch.Datum{Name: name, Value: sum / float64(len(values)), Timestamp: time.Unix(at, 0)}
}

func TestTally(t *testing.T) {
	const window = 6000
	tests := map[string]struct {
		acked int // of the four samples of pi-01's load 0 in the window
		took  []cloudwatch.Datum
		want  counts
	}{
		"nothing arrived": {4, nil, counts{Counts: world.Counts{Acked: 4, Lost: 4}}},
		"the mean of all": {
			4,
			[]cloudwatch.Datum{datum("load 0 (pi-01)", window, 1, 2, 4, 8)},
			counts{Counts: world.Counts{Acked: 4, Delivered: 4}},
		},
		"a part is missing": {
			4,
			[]cloudwatch.Datum{datum("load 0 (pi-01)", window, 1, 4)},
			counts{Counts: world.Counts{Acked: 4, Delivered: 2, Lost: 2}},
		},
		"one by one": {2, []cloudwatch.Datum{
			datum("load 0 (pi-01)", window, 1),
			datum("load 0 (pi-01)", window+15, 2),
		}, counts{Counts: world.Counts{Acked: 2, Delivered: 2}}},
		"a datum twice": {2, []cloudwatch.Datum{
			datum("load 0 (pi-01)", window, 1, 2),
			datum("load 0 (pi-01)", window, 1, 2),
		}, counts{Counts: world.Counts{Acked: 2, Delivered: 2, Twice: 2}}},
		"a sample in two datums": {2, []cloudwatch.Datum{
			datum("load 0 (pi-01)", window, 1),
			datum("load 0 (pi-01)", window, 1, 2),
		}, counts{Counts: world.Counts{Acked: 2, Delivered: 2, Twice: 1}}},
		"not acknowledged": {
			1,
			[]cloudwatch.Datum{datum("load 0 (pi-01)", window, 1, 2)},
			counts{Counts: world.Counts{Acked: 1, Delivered: 2}},
		},
		"another Pi's": {
			1,
			[]cloudwatch.Datum{datum("load 0 (pi-00)", window, 1)},
			counts{Counts: world.Counts{Acked: 1, Delivered: 1, Lost: 1}},
		},
		"no mean of samples": {
			1,
			[]cloudwatch.Datum{datum("load 0 (pi-01)", window, 3.1)},
			counts{Counts: world.Counts{Acked: 1, Lost: 1}, strange: 1},
		},
		"a metric of nobody": {0, []cloudwatch.Datum{datum("load 9 (pi-01)", window, 1)}, counts{strange: 1}},
		"with the Pi a dimension": {
			1,
			[]cloudwatch.Datum{{
				Name: "load 0", Value: 1, Timestamp: time.Unix(window, 0),
				Dimensions: []cloudwatch.Dimension{{Name: "device", Value: "pi-01"}},
			}},
			counts{Counts: world.Counts{Acked: 1, Delivered: 1}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tally := newTally(testLoad, time.Now)
			for i := range test.acked {
				tally.ack(testLoad.of(1, 0, window+15*int64(i)))
			}
			for _, d := range test.took {
				tally.took(d)
			}
			got := tally.look()
			if got.counts != test.want {
				t.Errorf("got %+v, want %+v", got.counts, test.want)
			}
			if got.backlog != got.Lost {
				t.Errorf("backlog: got %d, want %d, before anything is live", got.backlog, got.Lost)
			}
		})
	}
}

func TestTally_arrivedBeforeItsPUBACK(t *testing.T) {
	tally := newTally(testLoad, time.Now)
	tally.took(datum("load 1 (pi-00)", 6000, 1, 2))
	tally.ack(testLoad.of(0, 1, 6000))
	tally.ack(testLoad.of(0, 1, 6000))
	if got, want := tally.look().counts, (counts{Counts: world.Counts{Acked: 1, Delivered: 2}}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTally_live(t *testing.T) {
	now := time.Unix(6050, 0)
	tally := newTally(testLoad, func() time.Time { return now })
	tally.goLive(6000)
	tally.ack(testLoad.of(0, 0, 5940))
	tally.ack(testLoad.of(0, 0, 6000))
	if got := tally.look(); got.backlog != 1 || got.Lost != 2 {
		t.Errorf("got a backlog of %d and %d to come, want 1 and 2", got.backlog, got.Lost)
	}
	tally.mark()
	for _, arrival := range []struct{ at, window int64 }{
		{6110, 5940}, // of the backlog, which does not count
		{6129, 6060},
		{6300, 6000}, // it ended before the first arrival, when there was no connection
	} {
		now = time.Unix(arrival.at, 0)
		tally.took(datum("load 0 (pi-00)", arrival.window, 1))
	}
	got := tally.look()
	if got.late != 9*time.Second {
		t.Errorf("the latest live datum: got %s after its window's end, want 9s", got.late)
	}
	if got.first.Unix() != 6110 || got.lastOld.Unix() != 6110 || got.backlog != 0 {
		t.Errorf("got first %s, last of the backlog %s, %d to come", got.first, got.lastOld, got.backlog)
	}
}

func TestLoad_of(t *testing.T) {
	for slot := range 4 {
		id := testLoad.of(1, 1, 6000+15*int64(slot))
		if id.window != 6000 || id.slot != slot || bits.OnesCount(uint(id.value())) != 1 {
			t.Errorf("slot %d: got %+v with value %g", slot, id, id.value())
		}
	}
}
