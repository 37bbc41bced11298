package rollup

import (
	"cmp"
	"slices"

	"piway/gateway/pass"
)

// A cell is what the samples of one metric and window amount to so far.
type cell struct {
	pass.Summary // its Time is the window's start

	of     *series
	points []point // under All and Values, by arrival
	over   bool    // there were too many, and none is kept
}

type point struct {
	time, value float64
	n           int // samples that it stands for
}

// keep keeps what the cell's Summary does not tell of one that was added.
func (c *cell) keep(s *pass.Summary, of *size) {
	if c.over {
		return
	}
	before := len(c.points)
	c.points = appendAs(c.points, s, c.of.reduce)
	of.points += len(c.points) - before
	if len(c.points) > MaxKept || of.points > MaxDevice {
		of.points -= len(c.points)
		c.points, c.over = nil, true
	}
}

// appendAs appends what a summary is under a reduction.
func appendAs(points []point, s *pass.Summary, reduce Reduction) []point {
	switch reduce {
	case All:
		return append(points, point{s.Time, s.Mean(), s.N})
	case Values:
		return appendPoints(points, s)
	default:
		return points
	}
}

// appendTo appends the cell's datums: one, but under All one of each point, and under Values one for each
// pass.MaxValues.
func (c *cell) appendTo(datums []pass.Datum) []pass.Datum {
	d := pass.Datum{Device: c.of.device, Name: c.Name, Unit: c.Unit, Time: int64(c.Time), Samples: c.N}
	points := c.points
	if c.over {
		points = appendAs(nil, &c.Summary, c.of.reduce)
	}
	switch c.of.reduce {
	case All:
		for _, p := range points {
			d.Time, d.Value, d.Samples = int64(p.time), p.value, p.n
			datums = append(datums, d)
		}
		return datums
	case Values:
		return appendValues(datums, d, points)
	default:
		d.Value = c.value()
		return append(datums, d)
	}
}

// appendValues appends datums as d is, with the points as their values by time.
func appendValues(datums []pass.Datum, d pass.Datum, points []point) []pass.Datum {
	slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(a.time, b.time) })
	for some := range slices.Chunk(points, pass.MaxValues) {
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
	switch c.of.reduce {
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
