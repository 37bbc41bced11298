// Package cloudwatch keeps metrics in memory as CloudWatch does. Its one promise: a datum that PutMetricData
// would refuse is refused here, with the parameter named as AWS names it.
package cloudwatch

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Bounds of what a Store keeps. Past the first a new metric is refused, past the others the oldest goes.
const (
	// MaxMetrics is the number of metrics.
	MaxMetrics = 10_000
	// MaxDatapoints is the number of datapoints per metric, newest arrivals kept.
	MaxDatapoints = 1_000
	// MaxPeriods is the number of periods per metric, latest kept: one day of minutes.
	MaxPeriods = 1_440
)

// period is standard resolution, the only one that a topic rule's action can write.
const period = time.Minute

// A Datum is one MetricDatum of a PutMetricData request.
type Datum struct {
	Namespace, Name, Unit string
	Value                 float64
	Timestamp             time.Time
}

// A Metric is a copy of what a Store holds of one namespace, name and unit.
type Metric struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Unit      string `json:"unit"`
	// Datapoints are in order of arrival, Periods in order of time.
	Datapoints []Datapoint `json:"datapoints"`
	Periods    []Period    `json:"periods"`
}

// A Datapoint is one accepted datum. Real CloudWatch keeps only the periods; these show what made them.
type Datapoint struct {
	Timestamp time.Time `json:"timestamp"`
	Value     float64   `json:"value"`
	Received  time.Time `json:"received"`
}

// A Period holds the statistics of one minute.
type Period struct {
	Start       time.Time `json:"start"`
	SampleCount float64   `json:"sample_count"`
	Sum         float64   `json:"sum"`
	Minimum     float64   `json:"minimum"`
	Maximum     float64   `json:"maximum"`
	Average     float64   `json:"average"`
}

type key struct{ namespace, name, unit string }

// A Store keeps metrics until the process ends. Its methods are safe for concurrent use.
type Store struct {
	mu      sync.Mutex // guards metrics
	metrics map[key]*Metric
}

// New returns an empty Store.
func New() *Store { return &Store{metrics: map[key]*Metric{}} }

// Put adds a datum that arrives at now. The error is an *Error that says which parameter AWS would refuse.
func (s *Store) Put(now time.Time, d Datum) error {
	if err := check(now, d); err != nil {
		return err
	}
	// PutMetricData: timestamps finer than a second are aggregated to the second.
	at := d.Timestamp.UTC().Truncate(time.Second)

	s.mu.Lock()
	defer s.mu.Unlock()
	k := key{d.Namespace, d.Name, d.Unit}
	m := s.metrics[k]
	if m == nil {
		if len(s.metrics) >= MaxMetrics {
			return &Error{"MetricData.member.1.MetricName", fmt.Sprintf("names one metric more than the %d kept here", MaxMetrics)}
		}
		m = &Metric{Namespace: d.Namespace, Name: d.Name, Unit: d.Unit}
		s.metrics[k] = m
	}
	m.add(Datapoint{Timestamp: at, Value: d.Value, Received: now.UTC()})
	return nil
}

func (m *Metric) add(p Datapoint) {
	if len(m.Datapoints) == MaxDatapoints {
		m.Datapoints = slices.Delete(m.Datapoints, 0, 1)
	}
	m.Datapoints = append(m.Datapoints, p)

	start := p.Timestamp.Truncate(period)
	i, found := slices.BinarySearchFunc(m.Periods, start, func(q Period, t time.Time) int { return q.Start.Compare(t) })
	if !found {
		m.Periods = slices.Insert(m.Periods, i, Period{Start: start, Minimum: p.Value, Maximum: p.Value})
	}
	q := &m.Periods[i]
	q.SampleCount++
	q.Sum += p.Value
	q.Minimum = min(q.Minimum, p.Value)
	q.Maximum = max(q.Maximum, p.Value)
	q.Average = q.Sum / q.SampleCount
	if len(m.Periods) > MaxPeriods {
		m.Periods = slices.Delete(m.Periods, 0, 1)
	}
}

// Metrics returns a copy of everything, sorted by namespace, name and unit.
func (s *Store) Metrics() []Metric {
	s.mu.Lock()
	all := make([]Metric, 0, len(s.metrics))
	for _, m := range s.metrics {
		c := *m
		c.Datapoints, c.Periods = slices.Clone(m.Datapoints), slices.Clone(m.Periods)
		all = append(all, c)
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b Metric) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Unit, b.Unit))
	})
	return all
}
