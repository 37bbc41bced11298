package shares

import (
	"encoding/binary"
	"slices"
)

// A device is what waits of one.
type device struct {
	name  string
	bytes int64 // of all its reports
	ids   list  // of its reports
	held  []int64
}

// release lists again what was held and is not any more.
func (d *device) release(held func(id int64) bool) {
	var free []int64
	d.held = slices.DeleteFunc(d.held, func(id int64) bool {
		if held(id) {
			return false
		}
		free = append(free, id)
		return true
	})
	if len(free) == 0 {
		return
	}
	for d.ids.n > 0 {
		free = append(free, d.ids.pop())
	}
	slices.Sort(free)
	for _, id := range free {
		d.ids.push(id)
	}
}

// A list holds ascending numbers, first in, first out. Each takes a byte or two: it is the distance to the one before.
type list struct {
	n           int
	first, last int64
	steps       []byte
}

func (l *list) push(id int64) {
	if l.n == 0 {
		l.first = id
	} else {
		l.steps = binary.AppendVarint(l.steps, id-l.last)
	}
	l.last = id
	l.n++
}

// pop returns the first, of a list that has one.
func (l *list) pop() int64 {
	id := l.first
	if l.n--; l.n > 0 {
		step, size := binary.Varint(l.steps)
		l.first, l.steps = id+step, l.steps[size:]
	}
	return id
}

// byBytes is a heap with the device on top of which the first report goes.
type byBytes []*device

func (h byBytes) Len() int { return len(h) }

func (h byBytes) Less(i, j int) bool {
	if h[i].bytes != h[j].bytes {
		return h[i].bytes > h[j].bytes
	}
	return h[i].ids.first < h[j].ids.first
}

func (h byBytes) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is that of heap.Interface.
func (h *byBytes) Push(x any) { *h = append(*h, x.(*device)) }

// Pop is that of heap.Interface.
func (h *byBytes) Pop() any {
	last := len(*h) - 1
	d := (*h)[last]
	*h = (*h)[:last]
	return d
}
