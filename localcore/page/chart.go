package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A shape is the size of a graph, in the units of its own drawing. Text is 10 units high.
type shape struct {
	class          string
	width, height  float64
	yTicks, xTicks int
	hits           bool // a strip per point that tells its figures to who points at it
}

var (
	smallShape  = shape{class: "small", width: 320, height: 140, yTicks: 3, xTicks: 6}
	wideShape   = shape{class: "wide", width: 1000, height: 360, yTicks: 6, xTicks: 12, hits: true}
	narrowShape = shape{class: "narrow", width: 340, height: 260, yTicks: 5, xTicks: 6, hits: true}
)

// The margins around a plot, and the width of a digit of the labels.
const (
	marginTop, marginBottom, marginRight = 18, 18, 14
	digitWidth                           = 5.9
)

// A series is what a graph shows.
type series struct {
	points []Point // oldest first
	stat   statistic
	ask    Ask
	zone   *time.Location
	unit   string
	label  string // said to those who cannot see the graph
}

// A chart is a graph with all its coordinates, ready for the template.
type chart struct {
	Class                    string
	Width, Height            string
	Left, Right, Top, Bottom string
	Depth                    string // of the plot, from top to bottom
	Unit, Label              string
	X, Y                     []tick
	Band, Line               string // data of paths; "" = none
	Dots                     []spot
	Hits                     []hit
	Empty                    bool
}

type tick struct{ At, Label string }

type spot struct{ X, Y string }

type hit struct{ X, Width, Text string }

// draw lays a series out. A period without data is a gap in the line, and a point between two gaps a dot.
func draw(sh shape, s series) chart {
	c := chart{
		Class: sh.class, Width: px(sh.width), Height: px(sh.height), Unit: unitName(s.unit), Label: s.label,
		Top: px(marginTop), Bottom: px(sh.height - marginBottom), Right: px(sh.width - marginRight),
		Depth: px(sh.height - marginBottom - marginTop),
	}
	runs := s.runs()
	lo, hi := s.extent(runs)
	ticks, step := valueTicks(lo, hi, sh.yTicks)
	names := labels(ticks, step)
	p := plot{
		left: 8 + digitWidth*float64(longest(names)), right: sh.width - marginRight, top: marginTop,
		bottom: sh.height - marginBottom,
		lo:     ticks[0], hi: ticks[len(ticks)-1], ask: s.ask,
	}
	c.Left = px(p.left)
	if c.Empty = len(runs) == 0; !c.Empty {
		for i, t := range ticks {
			c.Y = append(c.Y, tick{px(p.y(t)), names[i]})
		}
	}
	times, pace := timeTicks(s.ask.From, s.ask.To, s.zone, sh.xTicks)
	for _, t := range times {
		c.X = append(c.X, tick{px(p.x(t)), timeLabel(t, pace)})
	}
	c.trace(p, s, runs)
	if sh.hits {
		c.Hits = p.hits(s, runs)
	}
	return c
}

// runs splits the points of the asked time where a period is missing. What cannot be drawn is missing too.
func (s series) runs() [][]Point {
	var runs [][]Point
	var last time.Time
	for _, p := range s.points {
		if p.Start.Before(s.ask.From) || p.Start.After(s.ask.To) || !s.drawable(p) {
			continue
		}
		if len(runs) == 0 || p.Start.Sub(last) > s.ask.Period {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], p)
		last = p.Start
	}
	return runs
}

func (s series) drawable(p Point) bool {
	for _, v := range []float64{s.stat.of(p), p.Minimum, p.Maximum} {
		if math.IsNaN(v) || math.Abs(v) > drawable {
			return false
		}
	}
	return true
}

// banded says whether the range from minimum to maximum is shown behind the line: it belongs to the average alone.
func (s series) banded() bool { return s.stat.name == "Average" }

func (s series) extent(runs [][]Point) (lo, hi float64) {
	if len(runs) == 0 {
		return 0, 1
	}
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, run := range runs {
		for _, p := range run {
			v := s.stat.of(p)
			lo, hi = min(lo, v), max(hi, v)
			if s.banded() {
				lo, hi = min(lo, p.Minimum), max(hi, p.Maximum)
			}
		}
	}
	if s.stat.name == "Sum" || s.stat.name == "SampleCount" {
		return bounds(lo, hi, "") // no percentage is one of these
	}
	return bounds(lo, hi, s.unit)
}

// A plot maps times and values to coordinates.
type plot struct {
	left, right, top, bottom float64
	lo, hi                   float64
	ask                      Ask
}

func (p plot) x(t time.Time) float64 {
	return p.left + (p.right-p.left)*float64(t.Sub(p.ask.From))/float64(p.ask.To.Sub(p.ask.From))
}

func (p plot) y(v float64) float64 {
	return p.bottom - (p.bottom-p.top)*((v-p.lo)/(p.hi-p.lo))
}

// trace draws the line, the band and the dots.
func (c *chart) trace(p plot, s series, runs [][]Point) {
	var line, band strings.Builder
	for i, run := range runs {
		for j, q := range run {
			line.WriteString(verb(j) + px(p.x(q.Start)) + " " + px(p.y(s.stat.of(q))))
		}
		if s.banded() {
			p.band(&band, run)
		}
		if newest := run[len(run)-1]; len(run) == 1 || i == len(runs)-1 {
			c.Dots = append(c.Dots, spot{px(p.x(newest.Start)), px(p.y(s.stat.of(newest)))})
		}
	}
	c.Line, c.Band = line.String(), band.String()
}

// band adds the area between the maxima and the minima of a run, if there is one.
func (p plot) band(b *strings.Builder, run []Point) {
	wide := false
	for _, q := range run {
		wide = wide || q.Minimum < q.Maximum
	}
	if !wide {
		return
	}
	for i, q := range run {
		b.WriteString(verb(i) + px(p.x(q.Start)) + " " + px(p.y(q.Maximum)))
	}
	for _, q := range slices.Backward(run) {
		b.WriteString("L" + px(p.x(q.Start)) + " " + px(p.y(q.Minimum)))
	}
	b.WriteString("Z")
}

func (p plot) hits(s series, runs [][]Point) []hit {
	width := (p.right - p.left) * float64(s.ask.Period) / float64(s.ask.To.Sub(s.ask.From))
	var out []hit
	for _, run := range runs {
		for _, q := range run {
			out = append(out, hit{X: px(p.x(q.Start) - width/2), Width: px(width), Text: fmt.Sprintf(
				"%s\n%s %s %s\nminimum %s, maximum %s\nsum %s, samples %s",
				q.Start.In(s.zone).Format("Mon 2 Jan 15:04 MST"), s.stat.name, number(s.stat.of(q)), unitName(s.unit),
				number(q.Minimum), number(q.Maximum), number(q.Sum), number(q.SampleCount))})
		}
	}
	return out
}

func verb(i int) string {
	if i == 0 {
		return "M"
	}
	return "L"
}

func longest(names []string) int {
	most := 0
	for _, n := range names {
		most = max(most, len([]rune(n)))
	}
	return most
}

// px writes a coordinate with one decimal.
func px(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10+0, 'f', -1, 64)
}
