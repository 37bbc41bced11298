package rollup

import (
	"cmp"
	"slices"

	"piway/shared/sample"
)

// A cell is what the samples of one key amount to so far.
type cell struct {
	reduce                   Reduction
	sum, min, max, last, lat float64 // lat: time of last
	n                        int
	points                   []point // under Values, by arrival
}

type point struct {
	time, value float64
	n           int // samples that it stands for
}

func (c *cell) add(s sample.Sample) {
	c.n++
	if c.reduce == Values {
		c.points = append(c.points, point{s.Time, s.Value, 1})
		return
	}
	c.sum += s.Value
	c.min = min(c.min, s.Value)
	c.max = max(c.max, s.Value)
	if s.Time >= c.lat {
		c.last, c.lat = s.Value, s.Time
	}
}

// appendTo appends the cell's datums, which is one but for many values.
func (c *cell) appendTo(datums []Datum, k key) []Datum {
	d := Datum{Device: k.device, Name: k.name, Unit: k.unit, Time: k.window, Samples: c.n}
	if c.reduce != Values {
		d.Value = c.value()
		return append(datums, d)
	}
	slices.SortStableFunc(c.points, func(a, b point) int { return cmp.Compare(a.time, b.time) })
	for some := range slices.Chunk(c.points, MaxValues) {
		d.Samples, d.Values = 0, make([]float64, len(some))
		for i, p := range some {
			d.Values[i] = p.value
			d.Samples += p.n
		}
		datums = append(datums, d)
	}
	return datums
}

func (c *cell) value() float64 {
	switch c.reduce {
	case Min:
		return c.min
	case Max:
		return c.max
	case Sum:
		return c.sum
	case Last:
		return c.last
	case Count:
		return float64(c.n)
	default:
		// The mean lies between the extremes; rounding may not say otherwise.
		return min(max(c.sum/float64(c.n), c.min), c.max)
	}
}
