package page

import (
	"math"
	"slices"
)

// An enlarged metric is the page of one.
type enlarged struct {
	*screen

	Name, Device string
	Metric       Metric
	Wide, Narrow card
	Rows         list[Point]
	With, Of     int // periods with data, of all in the time shown
	Sum          Point
}

func (s *screen) enlarged(m named) enlarged {
	points := m.read()
	newestFirst := slices.Clone(points)
	slices.Reverse(newestFirst)
	return enlarged{
		screen: s, Name: m.Name, Device: m.device, Metric: m.Metric,
		Wide: s.cardOf(m, points, wideShape), Narrow: s.cardOf(m, points, narrowShape),
		Rows: cut(s, newestFirst), With: len(points), Of: int(s.ask.To.Sub(s.ask.From)/s.ask.Period) + 1, Sum: total(points),
	}
}

// total is what one period over all the points would show.
func total(points []Point) Point {
	t := Point{Minimum: math.Inf(1), Maximum: math.Inf(-1)}
	for _, p := range points {
		t.Minimum, t.Maximum = min(t.Minimum, p.Minimum), max(t.Maximum, p.Maximum)
		t.Sum, t.SampleCount = t.Sum+p.Sum, t.SampleCount+p.SampleCount
	}
	t.Average = t.Sum / t.SampleCount
	return t
}
