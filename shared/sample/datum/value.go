package datum

import (
	"fmt"
	"math"
	"strconv"
)

// maxValueExp bounds values to ±2^360 (API_MetricDatum, Value).
const maxValueExp = 360

// CheckValue returns nil for a value that CloudWatch takes: finite, from -2^360 to 2^360.
func CheckValue(v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("value %v: not a finite number", v)
	}
	if limit := math.Ldexp(1, maxValueExp); v < -limit || v > limit {
		return fmt.Errorf("value %g: out of CloudWatch's range, -2^360 to 2^360", v)
	}
	return nil
}

// FormatValue returns the shortest decimal text that reads back as v.
func FormatValue(v float64) string {
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
