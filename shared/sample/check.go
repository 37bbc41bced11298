package sample

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Limits of CloudWatch's PutMetricData on one datum (API_MetricDatum).
const (
	// MaxName is the most characters in a metric's name.
	MaxName = 255
	// maxValueExp bounds values to ±2^360.
	maxValueExp = 360
)

// CheckName returns nil for a metric name that CloudWatch takes: 1 to 255 printable ASCII characters, at least one of
// them not a space, the first not a colon. (The API page gives the length only; the rest is the safe set of its
// dimension and namespace rules.)
func CheckName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return fmt.Errorf("name %q: empty, give 1 to %d characters", name, MaxName)
	case len(name) > MaxName:
		return fmt.Errorf("name %s: %d characters, CloudWatch takes %d", clip(name), len(name), MaxName)
	case name[0] == ':':
		return fmt.Errorf("name %s: starts with a colon, which CloudWatch refuses", clip(name))
	}
	for _, r := range name {
		if r < ' ' || r > '~' {
			return fmt.Errorf("name %s: %q is not printable ASCII, the only characters that are safe in CloudWatch", clip(name),
				r)
		}
	}
	return nil
}

// CheckUnit returns nil for one of CloudWatch's 27 units.
func CheckUnit(unit string) error {
	if IsUnit(unit) {
		return nil
	}
	if s := suggestUnit(unit); s != "" {
		return fmt.Errorf("unit %s: not a CloudWatch unit, did you mean %q?", clip(unit), s)
	}
	return fmt.Errorf(`unit %s: not a CloudWatch unit, use "None" for what has none`, clip(unit))
}

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

// errEmptyValue tells a reading that failed in the script from one that is malformed.
var errEmptyValue = errors.New(`value "": empty, the reading failed in the script; send nothing instead`)

// ParseValue reads a number as shell scripts print it: decimal, perhaps with an exponent, with white space around it.
// It does not apply CheckValue.
func ParseValue(s string) (float64, error) {
	t := strings.TrimSpace(s)
	if t == "" {
		return 0, errEmptyValue
	}
	if strings.Trim(t, "0123456789+-.eE") != "" || strings.ContainsAny(t, "_xX") {
		if strings.Count(t, ",") == 1 && !strings.Contains(t, ".") {
			return 0, fmt.Errorf("value %s: decimal comma, write %q (LC_ALL=C in the script)", clip(s),
				strings.Replace(t, ",", ".", 1))
		}
		return 0, fmt.Errorf("value %s: not a number", clip(s))
	}
	v, err := strconv.ParseFloat(t, 64)
	if errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("value %s: out of CloudWatch's range, -2^360 to 2^360", clip(s))
	}
	if err != nil {
		return 0, fmt.Errorf("value %s: not a number", clip(s))
	}
	return v + 0, nil // -0 becomes 0
}

// FormatValue returns the shortest decimal text that reads back as v.
func FormatValue(v float64) string {
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// clip quotes foreign text for an error, shortened so that it cannot flood a log.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return strconv.Quote(s)
	}
	return strconv.Quote(s[:most]) + "…"
}
