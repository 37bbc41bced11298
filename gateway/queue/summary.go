package queue

import (
	"encoding/json"
	"fmt"

	"piway/gateway/pass"
	"piway/shared/sample"
)

// thinnedRow is the form of a thinned report on disk: an object, where samples as received are an array.
type thinnedRow struct {
	Thinned []pass.Summary `json:"thinned"`
}

// decodeThinned reads the samples column of a thinned report, and refuses what thinning does not write.
func decodeThinned(blob []byte) ([]pass.Summary, error) {
	var row thinnedRow
	if err := json.Unmarshal(blob, &row); err != nil {
		return nil, fmt.Errorf("decoding thinned samples: %w", err)
	}
	for i := range row.Thinned {
		if s := &row.Thinned[i]; s.Name == "" || s.N < 1 || s.Min > s.Max || s.Last < s.Min || s.Last > s.Max {
			return nil, fmt.Errorf("decoding thinned samples: summary %d of %.60q is none of any samples", i, s.Name)
		}
	}
	return row.Thinned, nil
}

// summaryOf is a summary of one sample, at its corrected time.
func summaryOf(s *sample.Sample, at float64) pass.Summary {
	return pass.Summary{
		Name: s.Name, Unit: s.Unit, Time: at, N: 1, Sum: s.Value, Min: s.Value, Max: s.Value, Last: s.Value, LastTime: at,
	}
}
