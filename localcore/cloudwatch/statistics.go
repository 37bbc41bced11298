package cloudwatch

import (
	"fmt"
	"slices"
	"time"
)

// A Key names a metric with one unit. Dimensions may be in any order.
type Key struct {
	Namespace, Name, Unit string
	Dimensions            []Dimension
}

// Statistics returns the periods of a metric that have data and begin before to and end after from, in order of time.
// A period lasts a minute (kept for a day), five minutes (a week) or an hour (31 days). A metric that is not there has
// none.
func (s *Store) Statistics(k Key, from, to time.Time, period time.Duration) ([]Period, error) {
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
	var list []Period
	for _, p := range m.periods[i] {
		if p.Start.Before(to) && p.Start.Add(period).After(from) {
			list = append(list, p)
		}
	}
	return list, nil
}
