package cloudwatch

import (
	"fmt"
	"math"
	"strings"
	"time"

	"piway/shared/sample"
)

// PutMetricData's limits (CloudWatch API Reference, PutMetricData and MetricDatum).
const (
	maxText   = 255
	maxPast   = 14 * 24 * time.Hour
	maxFuture = 2 * time.Hour
)

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
	if err := checkText("Namespace", d.Namespace); err != nil {
		return err
	}
	if strings.HasPrefix(d.Namespace, "AWS/") {
		return &Error{"Namespace", fmt.Sprintf(`must not begin with "AWS/", got %q`, clip(d.Namespace))}
	}
	if err := checkText("MetricData.member.1.MetricName", d.Name); err != nil {
		return err
	}
	if !sample.IsUnit(d.Unit) {
		return &Error{"MetricData.member.1.Unit", fmt.Sprintf("must be one of CloudWatch's units, got %q", clip(d.Unit))}
	}
	if math.IsNaN(d.Value) || math.Abs(d.Value) > math.Ldexp(1, 360) {
		return &Error{"MetricData.member.1.Value", fmt.Sprintf("must be a number between -2^360 and 2^360, got %v", d.Value)}
	}
	// AWS says "two weeks" also of a time in the far future, which is what milliseconds given as seconds make.
	if d.Timestamp.Before(now.Add(-maxPast)) || d.Timestamp.After(now.Add(maxFuture)) {
		return &Error{"MetricData.member.1.Timestamp", "must specify a time within the past two weeks"}
	}
	return nil
}

// checkText holds what a namespace and a metric name have in common: 1 to 255 ASCII characters, no control characters,
// not all space, no colon in front (written for namespaces only; safe for names too).
func checkText(parameter, s string) error {
	if strings.TrimSpace(s) == "" {
		return &Error{parameter, "must not be empty or blank"}
	}
	if len(s) > maxText {
		return &Error{parameter, fmt.Sprintf("must be at most %d characters, got %d: %q", maxText, len(s), clip(s))}
	}
	if s[0] == ':' {
		return &Error{parameter, fmt.Sprintf("must not begin with a colon, got %q", clip(s))}
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
