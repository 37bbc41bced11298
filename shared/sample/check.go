package sample

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"piway/shared/sample/advice"
	"piway/shared/sample/datum"
	"piway/shared/sample/scan"
)

// Limits of CloudWatch's PutMetricData on one datum (API_MetricDatum).
const (
	// MaxName is the most characters in a metric's name.
	MaxName = 255
	// MaxAhead is how far in the future a datum may be (Timestamp).
	MaxAhead = 2 * time.Hour
)

// CheckName returns nil for a metric name that CloudWatch takes: 1 to 255 printable ASCII characters, at least one of
// them not a space, the first not a colon. (The API page gives the length only; the rest is the safe set of its
// dimension and namespace rules.)
func CheckName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return fmt.Errorf("name %s: empty, give 1 to %d characters", scan.Clip(name), MaxName)
	case len(name) > MaxName:
		return fmt.Errorf("name %s: %d characters, CloudWatch takes %d; shorten it", scan.Clip(name), len(name), MaxName)
	case name[0] == ':':
		return fmt.Errorf("name %s: starts with a colon, which CloudWatch refuses; leave it out", scan.Clip(name))
	}
	for _, r := range name {
		if r < ' ' || r > '~' {
			return fmt.Errorf("name %s: %q is not printable ASCII, the only characters that are safe in CloudWatch; write another",
				scan.Clip(name), r)
		}
	}
	return nil
}

// CheckUnit returns nil for one of CloudWatch's 27 units.
func CheckUnit(unit string) error {
	if IsUnit(unit) {
		return nil
	}
	return unitError(unit)
}

// A unitError is of a unit that CloudWatch does not know. Its words, as those of a valueError and a missingError, are
// only looked for when somebody reads them: of a thousand refusals ten are told.
type unitError string

func (e unitError) Error() string {
	return fmt.Sprintf("unit %s: %s", scan.Clip(string(e)), advice.Unit(string(e)))
}

// CheckValue returns nil for a value that CloudWatch takes: finite, from -2^360 to 2^360.
func CheckValue(v float64) error { return datum.CheckValue(v) }

// IsUnit reports whether CloudWatch knows the unit. Case matters to CloudWatch, and here.
func IsUnit(unit string) bool { return datum.IsUnit(unit) }

// FormatValue returns the shortest decimal text that reads back as v.
func FormatValue(v float64) string { return datum.FormatValue(v) }

// errEmptyValue tells a reading that failed in the script from one that is malformed.
var errEmptyValue = errors.New(`value "": empty, the reading failed in the script; send nothing instead`)

// ParseValue reads a number as shell scripts print it: decimal, perhaps with an exponent, with white space around it.
// It does not apply CheckValue.
func ParseValue(s string) (float64, error) {
	v, err := parseNumber(s)
	switch {
	case err == nil:
		return v, nil
	case scan.Trim(s) == "":
		return 0, errEmptyValue
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("value %s: out of CloudWatch's range, -2^360 to 2^360", scan.Clip(s))
	default:
		return 0, valueError(s)
	}
}

// A valueError is of a text that is no number.
type valueError string

func (e valueError) Error() string {
	return fmt.Sprintf("value %s: %s", scan.Clip(string(e)), advice.Value(string(e)))
}

// parseNumber is ParseValue with an error that says nothing, but is strconv.ErrRange where that is why.
func parseNumber(s string) (float64, error) {
	t := scan.Trim(s)
	if strings.Trim(t, "0123456789+-.eE") != "" || strings.ContainsAny(t, "_xX") {
		return 0, strconv.ErrSyntax
	}
	v, err := strconv.ParseFloat(t, 64)
	if err != nil {
		return 0, err
	}
	return v + 0, nil // -0 becomes 0
}
