package rollup

import (
	"cmp"
	"slices"

	"piway/gateway/pass"
)

// A cell is what the samples of one key amount to so far.
type cell struct {
	pass.Summary

	reduce Reduction
	points []point // under Values, by arrival
}

type point struct {
	time, value float64
	n           int // samples that it stands for
}

// appendTo appends the cell's datums, which is one but for many values.
func (c *cell) appendTo(datums []pass.Datum, k key) []pass.Datum {
	d := pass.Datum{Device: k.device, Name: k.name, Unit: k.unit, Time: k.window, Samples: c.N}
	if c.reduce != Values {
		d.Value = c.value()
		return append(datums, d)
	}
	slices.SortStableFunc(c.points, func(a, b point) int { return cmp.Compare(a.time, b.time) })
	for some := range slices.Chunk(c.points, pass.MaxValues) {
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
		return c.Min
	case Max:
		return c.Max
	case Sum:
		return c.Sum
	case Last:
		return c.Last
	case Count:
		return float64(c.N)
	default:
		return c.Mean()
	}
}

// appendPoints appends as many values as there were samples, but at most MaxValues: the extremes, and others that are
// equal and make the average right. (Of many more samples with one far off, it is only as near as values between the
// extremes get.)
func appendPoints(points []point, s *pass.Summary) []point {
	k := min(s.N, pass.MaxValues)
	if k == 1 {
		return append(points, point{s.Time, s.Mean(), s.N})
	}
	points = append(points, point{s.Time, s.Min, 1}, point{s.Time, s.Max, 1 + s.N - k})
	if k > 2 {
		rest := (s.Sum/float64(s.N)*float64(k) - s.Min - s.Max) / float64(k-2)
		rest = min(max(rest, s.Min), s.Max)
		for range k - 2 {
			points = append(points, point{s.Time, rest, 1})
		}
	}
	return points
}
