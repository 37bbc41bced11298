package cloudwatch

import (
	"fmt"
	"math"
	"strings"
	"time"

	"piway/shared/sample"
)

// PutMetricData's limits (CloudWatch API Reference: PutMetricData, MetricDatum, Dimension).
const (
	maxText           = 255
	maxDimensions     = 30
	maxDimensionValue = 1024
	maxPast           = 14 * 24 * time.Hour
	maxFuture         = 2 * time.Hour
)

// member stands before the name of a parameter that belongs to a datum.
const member = "MetricData.member.1."

// An Error is a refused parameter of PutMetricData.
type Error struct {
	// Parameter is AWS's name of it.
	Parameter string
	// Problem goes on from the parameter's name: "must be …".
	Problem string
}

func (e *Error) Error() string { return "The parameter " + e.Parameter + " " + e.Problem }

// Kind is the parameter, the same for all errors that a reader would take for one.
func (e *Error) Kind() string { return e.Parameter }

func check(now time.Time, d Datum) error {
	if err := checkNamespace(d.Namespace); err != nil {
		return err
	}
	if err := checkText(member+"MetricName", d.Name, maxText); err != nil {
		return err
	}
	if err := checkDimensions(d.Dimensions); err != nil {
		return err
	}
	if err := checkUnit(d.Unit); err != nil {
		return err
	}
	if math.IsNaN(d.Value) || math.Abs(d.Value) > math.Ldexp(1, 360) {
		return &Error{member + "Value", fmt.Sprintf("must be a number between -2^360 and 2^360, got %v", d.Value)}
	}
	return checkTime(now, d.Timestamp)
}

func checkNamespace(namespace string) error {
	if err := checkText("Namespace", namespace, maxText); err != nil {
		return err
	}
	if strings.HasPrefix(namespace, "AWS/") {
		return &Error{"Namespace", fmt.Sprintf(`must not begin with "AWS/", got %q`, clip(namespace))}
	}
	return nil
}

func checkUnit(unit string) error {
	if !sample.IsUnit(unit) {
		return &Error{member + "Unit", fmt.Sprintf("must be one of CloudWatch's units, got %q", clip(unit))}
	}
	return nil
}

// checkTime: AWS says "two weeks" also of a time in the far future, which is what milliseconds given as seconds make.
func checkTime(now, t time.Time) error {
	if t.Before(now.Add(-maxPast)) || t.After(now.Add(maxFuture)) {
		return &Error{member + "Timestamp", "must specify a time within the past two weeks"}
	}
	return nil
}

func checkDimensions(dimensions []Dimension) error {
	if len(dimensions) > maxDimensions {
		return &Error{member + "Dimensions", fmt.Sprintf("must have at most %d members, got %d", maxDimensions,
			len(dimensions))}
	}
	for i, d := range dimensions {
		parameter := fmt.Sprintf("%sDimensions.member.%d.", member, i+1)
		if err := checkText(parameter+"Name", d.Name, maxText); err != nil {
			return err
		}
		if err := checkASCII(parameter+"Value", d.Value, maxDimensionValue); err != nil {
			return err
		}
		for _, other := range dimensions[:i] {
			if other.Name == d.Name {
				return &Error{parameter + "Name", fmt.Sprintf("must not be given twice, got %q", clip(d.Name))}
			}
		}
	}
	return nil
}

// checkText holds what a namespace, a metric name and a dimension name have in common: checkASCII, and no colon in
// front (written for namespaces and dimensions; safe for metric names too).
func checkText(parameter, s string, most int) error {
	if err := checkASCII(parameter, s, most); err != nil {
		return err
	}
	if s[0] == ':' {
		return &Error{parameter, fmt.Sprintf("must not begin with a colon, got %q", clip(s))}
	}
	return nil
}

// checkASCII wants 1 to most ASCII characters, no control characters, not all space.
func checkASCII(parameter, s string, most int) error {
	if strings.TrimSpace(s) == "" {
		return &Error{parameter, "must not be empty or blank"}
	}
	if len(s) > most {
		return &Error{parameter, fmt.Sprintf("must be at most %d characters, got %d: %q", most, len(s), clip(s))}
	}
	for _, r := range s {
		if r < ' ' || r > '~' {
			return &Error{parameter, fmt.Sprintf("must be ASCII without control characters, got %q in %q", r, clip(s))}
		}
	}
	return nil
}

func clip(s string) string {
	const most = 64
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
