// Package cloudwatch keeps metrics and logs in memory as CloudWatch does. Its one promise: what PutMetricData or
// PutLogEvents would refuse is refused here, with the parameter named as AWS names it, and what AWS would drop
// in silence is dropped and counted.
package cloudwatch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of what a Store keeps of metrics. Past the first a new metric is refused, past the others the oldest goes and
// is counted.
const (
	// MaxMetrics is the number of metrics.
	MaxMetrics = 10_000
	// MaxDatapoints is the number of datapoints per metric, newest arrivals kept.
	MaxDatapoints = 1_000
	// MaxPeriods is the number of one-minute periods per metric, latest kept: one day.
	MaxPeriods = 1_440
)

// A Store keeps metrics and logs until the process ends. Its methods are safe for concurrent use.
type Store struct {
	// OnDatum, if set, is called for each datum taken, before Put or PutLogEvents returns and from any goroutine. It
	// must not block. Set it before the first call.
	OnDatum func(Datum)

	mu      sync.Mutex // guards metrics
	metrics map[key]*metric

	logs logs
}

// key is a metric with one unit: CloudWatch keeps statistics by unit.
type key struct{ identity, unit string }

// New returns an empty Store.
func New() *Store {
	return &Store{metrics: map[key]*metric{}, logs: logs{groups: map[string]*group{}}}
}

// Put adds a datum that arrives at now. The error is an *Error that says which parameter AWS would refuse.
func (s *Store) Put(now time.Time, d Datum) error {
	if err := check(now, d); err != nil {
		return err
	}
	if err := s.add(now, d); err != nil {
		return err
	}
	if s.OnDatum != nil {
		s.OnDatum(d)
	}
	return nil
}

func (s *Store) add(now time.Time, d Datum) error {
	k := key{d.Key(), d.Unit}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.metrics[k]
	if m == nil {
		if len(s.metrics) >= MaxMetrics {
			return &Error{member + "MetricName", fmt.Sprintf("names one metric more than the %d kept here", MaxMetrics)}
		}
		m = &metric{id: Metric{Namespace: d.Namespace, Name: d.Name, Dimensions: sorted(d.Dimensions), Unit: d.Unit}}
		s.metrics[k] = m
	}
	// PutMetricData: timestamps finer than a second are aggregated to the second.
	m.add(Datapoint{Timestamp: d.Timestamp.UTC().Truncate(time.Second), Value: d.Value, Received: now.UTC()})
	return nil
}

// Metrics returns a copy of everything, sorted by namespace, name, dimensions and unit.
func (s *Store) Metrics() []Metric {
	s.mu.Lock()
	all := make([]Metric, 0, len(s.metrics))
	for _, m := range s.metrics {
		all = append(all, m.copy())
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b Metric) int {
		return cmp.Or(
			strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name),
			slices.CompareFunc(a.Dimensions, b.Dimensions, func(a, b Dimension) int {
				return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
			}),
			strings.Compare(a.Unit, b.Unit))
	})
	return all
}
