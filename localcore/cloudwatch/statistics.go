package cloudwatch

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// A Key names a metric with one unit. Dimensions may be in any order.
type Key struct {
	Namespace, Name, Unit string
	Dimensions            []Dimension
}

// A Statistic is a period with its percentiles.
type Statistic struct {
	Period

	// Percentiles are there as long as all datapoints of the period are kept.
	Percentiles *Percentiles `json:"percentiles,omitempty"`
}

// Percentiles are values of the period, by nearest rank.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
}

// Statistics returns the periods of a metric that have data and begin before to and end after from, in order of time.
// A period lasts a minute (kept for a day), five minutes (a week) or an hour (31 days). A metric that is not there has
// none.
func (s *Store) Statistics(k Key, from, to time.Time, period time.Duration) ([]Statistic, error) {
	i := slices.IndexFunc(resolutions[:], func(r resolution) bool { return r.length == period })
	if i < 0 {
		return nil, fmt.Errorf("period %s: not kept, try: 1m, 5m or 1h", period)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.metrics[key{identity(k.Namespace, k.Name, k.Dimensions), k.Unit}]
	if m == nil {
		return nil, nil
	}
	values := m.values(period)
	var list []Statistic
	for _, p := range m.periods[i] {
		if p.Start.Before(to) && p.Start.Add(period).After(from) {
			list = append(list, Statistic{p, percentiles(p, values[p.Start])})
		}
	}
	return list, nil
}

// values are those of the datapoints that are kept, by the start of their period.
func (m *metric) values(period time.Duration) map[time.Time][]float64 {
	values := map[time.Time][]float64{}
	for _, p := range m.points {
		start := p.Timestamp.Truncate(period)
		values[start] = append(values[start], p.Value)
	}
	return values
}

// percentiles returns nil unless the values are all of the period's.
func percentiles(p Period, values []float64) *Percentiles {
	if float64(len(values)) != p.SampleCount {
		return nil
	}
	slices.Sort(values)
	rank := func(f float64) float64 { return values[max(0, int(math.Ceil(f*float64(len(values))))-1)] }
	return &Percentiles{P50: rank(0.50), P90: rank(0.90), P99: rank(0.99)}
}
