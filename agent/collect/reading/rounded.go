package reading

import "math"

// rounded returns a value with two decimals. It never gives the -0 that becomes of what is a little less than 0.
func rounded(v float64) float64 {
	v = math.Round(v*100) / 100
	if v == 0 {
		return 0 // also for -0, which equals it
	}
	return v
}
