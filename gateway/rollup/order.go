package rollup

import (
	"cmp"
	"math/bits"
	"slices"

	"piway/gateway/pass"
)

// maxTurn is the most windows of a turn. With four to ten metrics they fill one to three messages of the emf form.
const maxTurn = 64

// A turn is what of one device goes together: the datums from..to-1, as sorted by device and window.
type turn struct {
	round    int
	newest   int64 // the start of its newest window
	device   string
	from, to int
}

// order returns the datums as they go: devices take turns, each with its newest window first. It sorts those it is given.
func order(datums []pass.Datum, window func(*pass.Datum) int64) []pass.Datum {
	slices.SortStableFunc(datums, func(a, b pass.Datum) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(window(&b), window(&a)), cmp.Compare(a.Time, b.Time),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Unit, b.Unit))
	})
	turns := turnsOf(datums, window)
	slices.SortFunc(turns, func(a, b turn) int {
		return cmp.Or(cmp.Compare(a.round, b.round), cmp.Compare(b.newest, a.newest), cmp.Compare(a.device, b.device))
	})
	ordered := make([]pass.Datum, 0, len(datums))
	for _, t := range turns {
		ordered = append(ordered, datums[t.from:t.to]...)
	}
	return ordered
}

// turnsOf returns the turns of datums that are sorted by device and window.
func turnsOf(datums []pass.Datum, window func(*pass.Datum) int64) (turns []turn) {
	var device string
	var at int64
	newer := 0 // windows of the device that go before
	for i := range datums {
		d, w := &datums[i], window(&datums[i])
		switch {
		case i == 0 || d.Device != device:
			newer = 0
		case w != at:
			newer++
		}
		if n := len(turns); n == 0 || d.Device != device || turns[n-1].round != round(newer) {
			turns = append(turns, turn{round: round(newer), newest: w, device: d.Device, from: i})
		}
		turns[len(turns)-1].to = i + 1
		device, at = d.Device, w
	}
	return turns
}

// round is the one in which the window goes that has so many newer ones of its device before it: the windows of a turn
// double up to maxTurn.
func round(newer int) int {
	if newer+1 < maxTurn {
		return bits.Len(uint(newer + 1))
	}
	return bits.Len(uint(maxTurn)) + (newer+1)/maxTurn - 1
}
