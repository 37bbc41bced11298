package cloudwatch

import (
	"slices"
	"time"
)

// A Metric is a copy of what a Store holds of one namespace, name, set of dimensions and unit.
type Metric struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Dimensions are in the order of their names.
	Dimensions []Dimension `json:"dimensions,omitempty"`
	Unit       string      `json:"unit"`
	// Datapoints are in order of arrival, Periods of one minute in order of time.
	Datapoints []Datapoint `json:"datapoints"`
	Periods    []Period    `json:"periods"`
	// ForgottenDatapoints and ForgottenPeriods went past a bound.
	ForgottenDatapoints int `json:"forgotten_datapoints,omitzero"`
	ForgottenPeriods    int `json:"forgotten_periods,omitzero"`
}

// A Datapoint is one accepted datum. Real CloudWatch keeps only the periods; these show what made them.
type Datapoint struct {
	Timestamp time.Time `json:"timestamp"`
	Value     float64   `json:"value"`
	Received  time.Time `json:"received"`
}

// A Period holds the statistics of a stretch of time.
type Period struct {
	Start       time.Time `json:"start"`
	SampleCount float64   `json:"sample_count"`
	Sum         float64   `json:"sum"`
	Minimum     float64   `json:"minimum"`
	Maximum     float64   `json:"maximum"`
	Average     float64   `json:"average"`
}

// resolutions are the lengths of periods that are kept, the first for Metric.Periods, and how many of each. (CloudWatch
// keeps them 15 days, 63 days and 15 months; its periods below a minute do not exist here.)
var resolutions = [...]resolution{
	{time.Minute, MaxPeriods},
	{5 * time.Minute, 7 * 24 * 12},
	{time.Hour, 31 * 24},
}

type resolution struct {
	length time.Duration
	keep   int
}

// A metric is what a Store holds of one; it has no lock of its own.
type metric struct {
	id        Metric // without data
	points    []Datapoint
	periods   [len(resolutions)][]Period
	forgotten struct{ points, periods int }
}

func (m *metric) copy() Metric {
	c := m.id
	c.Dimensions = slices.Clone(c.Dimensions)
	c.Datapoints, c.Periods = slices.Clone(m.points), slices.Clone(m.periods[0])
	c.ForgottenDatapoints, c.ForgottenPeriods = m.forgotten.points, m.forgotten.periods
	return c
}

func (m *metric) add(p Datapoint) {
	if len(m.points) == MaxDatapoints {
		m.points = slices.Delete(m.points, 0, 1)
		m.forgotten.points++
	}
	m.points = append(m.points, p)
	for i, r := range resolutions {
		m.periods[i] = addTo(m.periods[i], p, r.length)
		if len(m.periods[i]) > r.keep {
			m.periods[i] = slices.Delete(m.periods[i], 0, 1)
			if i == 0 {
				m.forgotten.periods++
			}
		}
	}
}

// addTo counts the datapoint in the period that it belongs to.
func addTo(periods []Period, p Datapoint, length time.Duration) []Period {
	start := p.Timestamp.Truncate(length)
	i, found := slices.BinarySearchFunc(periods, start, func(q Period, t time.Time) int { return q.Start.Compare(t) })
	if !found {
		periods = slices.Insert(periods, i, Period{Start: start, Minimum: p.Value, Maximum: p.Value})
	}
	q := &periods[i]
	q.SampleCount++
	q.Sum += p.Value
	q.Minimum = min(q.Minimum, p.Value)
	q.Maximum = max(q.Maximum, p.Value)
	q.Average = q.Sum / q.SampleCount
	return periods
}
