package rollup

import (
	"cmp"
	"math/bits"
	"slices"
)

// maxTurn is the most windows of a turn. With four to ten metrics they fill one to three messages of the emf form.
const maxTurn = 64

// A turn is what of one device goes together.
type turn struct {
	round  int
	newest int64 // the start of its newest window
	device string
	cells  []*cell // newer windows first, in a window by name and unit
}

// inTurn returns the cells as they go: devices take turns, each with its newest window first. It sorts those it is given.
func inTurn(cells []*cell) (ordered []*cell) {
	slices.SortFunc(cells, func(a, b *cell) int {
		return cmp.Or(cmp.Compare(a.of.device, b.of.device), cmp.Compare(b.Time, a.Time), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Unit, b.Unit))
	})
	turns := turnsOf(cells)
	slices.SortFunc(turns, func(a, b turn) int {
		return cmp.Or(cmp.Compare(a.round, b.round), cmp.Compare(b.newest, a.newest), cmp.Compare(a.device, b.device))
	})
	ordered = make([]*cell, 0, len(cells))
	for _, t := range turns {
		ordered = append(ordered, t.cells...)
	}
	return ordered
}

// turnsOf returns the turns of cells that are sorted by device and window.
func turnsOf(cells []*cell) (turns []turn) {
	newer := 0 // windows of the device that go before
	for i, c := range cells {
		other := i == 0 || c.of.device != cells[i-1].of.device
		switch {
		case other:
			newer = 0
		case c.Time != cells[i-1].Time:
			newer++
		}
		if other || turns[len(turns)-1].round != round(newer) {
			turns = append(turns, turn{round(newer), int64(c.Time), c.of.device, cells[i:i]})
		}
		t := &turns[len(turns)-1]
		t.cells = t.cells[:len(t.cells)+1]
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
