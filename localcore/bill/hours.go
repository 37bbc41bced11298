package bill

import "time"

const (
	// maxMetrics is how many metrics are told apart: ten times what the stand-in's CloudWatch keeps.
	maxMetrics = 100_000
	// remembered is for how many hours before the newest it is known which metrics they have: CloudWatch refuses a
	// datum that is older than 14 days or more than two hours ahead.
	remembered = 15 * 24
)

// hours count in which hours which metrics have data.
type hours struct {
	ids       map[string]int // a small number for each metric
	sets      map[int64]*set // by hour since 1970
	newest    int64
	uncounted int
}

// A set holds the metrics with data in one hour: n of them, and a bit for each id.
type set struct {
	n    int
	bits []uint64
}

func newHours() hours { return hours{ids: map[string]int{}, sets: map[int64]*set{}} }

func hour(t time.Time) int64 { return t.Unix() / int64(time.Hour/time.Second) }

func (h *hours) add(key string, at time.Time) {
	id, known := h.ids[key]
	if !known {
		if len(h.ids) >= maxMetrics {
			h.uncounted++
			return
		}
		id = len(h.ids)
		h.ids[key] = id
	}
	i := hour(at)
	s := h.sets[i]
	if s == nil {
		s = &set{}
		h.sets[i] = s
		h.forget(i)
	}
	s.add(id)
}

// forget drops the bits of the hours that no datum can come for any more, and keeps their number.
func (h *hours) forget(i int64) {
	if i <= h.newest {
		return
	}
	h.newest = i
	for j, s := range h.sets {
		if j < i-remembered {
			s.bits = nil
		}
	}
}

func (s *set) add(id int) {
	word, bit := id/64, uint64(1)<<(id%64)
	for len(s.bits) <= word {
		s.bits = append(s.bits, 0)
	}
	if s.bits[word]&bit == 0 {
		s.bits[word] |= bit
		s.n++
	}
}

// total is the number of metric-hours.
func (h *hours) total() float64 {
	n := 0
	for _, s := range h.sets {
		n += s.n
	}
	return float64(n)
}

// average is the number of metrics with data in an hour, over the hours that the period touches.
func (h *hours) average(from, to time.Time) float64 {
	first, last := hour(from), max(hour(from), hour(to))
	n := 0
	for i, s := range h.sets {
		if i >= first && i <= last {
			n += s.n
		}
	}
	return float64(n) / float64(last-first+1)
}
