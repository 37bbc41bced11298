package pass

// A Summary stands for samples of one metric in one window that were thinned. Its JSON is its form on disk.
type Summary struct {
	Name     string  `json:"name"`
	Unit     string  `json:"unit"`
	Time     float64 `json:"time"` // the window's start, in Unix seconds
	N        int     `json:"n"`    // how many samples
	Sum      float64 `json:"sum"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
	Last     float64 `json:"last"`
	LastTime float64 `json:"last_time"` // Unix seconds
}

// Add makes one of two summaries of the same metric and window.
func (s *Summary) Add(o *Summary) {
	s.N += o.N
	s.Sum += o.Sum
	s.Min, s.Max = min(s.Min, o.Min), max(s.Max, o.Max)
	if o.LastTime >= s.LastTime {
		s.Last, s.LastTime = o.Last, o.LastTime
	}
}
