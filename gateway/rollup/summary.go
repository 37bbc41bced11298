package rollup

// A Summary stands for samples of one metric that were aggregated before. It counts as each of them would, as far as
// that is still known: under All it is one datum with their average, under Values it is at most MaxValues values.
type Summary struct {
	Name     string
	Unit     string
	Time     float64 // within its window, Unix seconds
	N        int     // samples
	Sum      float64
	Min      float64
	Max      float64
	Last     float64
	LastTime float64
}

// mean of the samples lies between the extremes; rounding may not say otherwise.
func (s *Summary) mean() float64 { return min(max(s.Sum/float64(s.N), s.Min), s.Max) }

// AddSummary takes a summary of one device's samples.
func (r *Rollup) AddSummary(device string, s Summary) {
	reduce := r.reduction(device, s.Name)
	if reduce == All {
		r.all = append(r.all, Datum{Device: device, Name: s.Name, Unit: s.Unit, Value: s.mean(), Time: int64(s.Time), Samples: s.N})
		return
	}
	k := key{device, s.Name, s.Unit, r.window(s.Time)}
	c := r.cells[k]
	if c == nil {
		c = &cell{reduce: reduce, min: s.Min, max: s.Max, last: s.Last, lat: s.LastTime}
		r.cells[k] = c
	}
	c.addSummary(&s)
}

func (c *cell) addSummary(s *Summary) {
	c.n += s.N
	if c.reduce == Values {
		c.points = append(c.points, s.points()...)
		return
	}
	c.sum += s.Sum
	c.min = min(c.min, s.Min)
	c.max = max(c.max, s.Max)
	if s.LastTime >= c.lat {
		c.last, c.lat = s.Last, s.LastTime
	}
}

// points returns as many values as there were samples, but at most MaxValues: the extremes, and others that are equal
// and make the average right. (Of many more samples with one far off, it is only as near as values between the
// extremes get.)
func (s *Summary) points() []point {
	k := min(s.N, MaxValues)
	if k == 1 {
		return []point{{s.Time, s.mean(), s.N}}
	}
	all := make([]point, 0, k)
	all = append(all, point{s.Time, s.Min, 1}, point{s.Time, s.Max, 1 + s.N - k})
	if k > 2 {
		rest := (s.Sum/float64(s.N)*float64(k) - s.Min - s.Max) / float64(k-2)
		rest = min(max(rest, s.Min), s.Max)
		for len(all) < k {
			all = append(all, point{s.Time, rest, 1})
		}
	}
	return all
}
