package pass

import (
	"encoding/json"
	"fmt"

	"piway/shared/sample"
)

// A Summary stands for samples of one metric: for one, or for those in one window that were thinned.
type Summary struct {
	Name     string  `json:"name"`
	Unit     string  `json:"unit"`
	Time     float64 `json:"time"` // the window's start, or the one sample's time; Unix seconds
	N        int     `json:"n"`    // how many samples
	Sum      float64 `json:"sum"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
	Last     float64 `json:"last"`
	LastTime float64 `json:"last_time"` // Unix seconds
}

// SummaryOf is a summary of one sample, at its corrected time.
func SummaryOf(s *sample.Sample, at float64) Summary {
	return Summary{
		Name: s.Name, Unit: s.Unit, Time: at, N: 1, Sum: s.Value, Min: s.Value, Max: s.Value, Last: s.Value, LastTime: at,
	}
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

// Mean lies between the extremes; rounding may not say otherwise.
func (s *Summary) Mean() float64 { return min(max(s.Sum/float64(s.N), s.Min), s.Max) }

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
