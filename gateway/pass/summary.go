package pass

import (
	"encoding/json"
	"fmt"
)

// A Summary stands for samples of one metric in one window that were thinned.
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

// summaries is the form of a thinned report on disk: an object, where samples as received are an array.
type summaries struct {
	Thinned []Summary `json:"thinned"`
}

// EncodeSummaries returns the form on disk.
func EncodeSummaries(all []Summary) ([]byte, error) { return json.Marshal(summaries{all}) }

// DecodeSummaries reads the form on disk, and refuses what thinning does not write.
func DecodeSummaries(text []byte) ([]Summary, error) {
	var row summaries
	if err := json.Unmarshal(text, &row); err != nil {
		return nil, fmt.Errorf("decoding thinned samples: %w", err)
	}
	for i := range row.Thinned {
		if s := &row.Thinned[i]; s.Name == "" || s.N < 1 || s.Min > s.Max || s.Last < s.Min || s.Last > s.Max {
			return nil, fmt.Errorf("decoding thinned samples: summary %d of %.60q is none of any samples", i, s.Name)
		}
	}
	return row.Thinned, nil
}
