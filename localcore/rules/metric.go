package rules

import (
	"strconv"
	"strings"
	"time"

	"piway/localcore/sql"
	"piway/localcore/strict"
)

// A metricAction is one cloudwatchMetric action (CloudwatchMetricAction in the IoT API). Its members are templates over
// the message as it came; what SELECT made is not looked at (cloudwatch-metrics-rule-action).
type metricAction struct {
	namespace, metric, unit, value sql.Template
	timestamp                      *sql.Template // nil: the time of the message
}

func readMetric(o strict.Object, version sql.Version) action {
	a := metricAction{
		namespace: readTemplate(o, "metricNamespace", version), metric: readTemplate(o, "metricName", version),
		unit: readTemplate(o, "metricUnit", version), value: readTemplate(o, "metricValue", version),
	}
	if o.Has("metricTimestamp") {
		t := readTemplate(o, "metricTimestamp", version)
		a.timestamp = &t
	}
	return a
}

func (a metricAction) name() string { return "CloudwatchMetricAction" }

func (a metricAction) do(r *run) (resource string, err error) {
	m := Metric{Namespace: a.namespace.Resolve(r.in), Name: a.metric.Resolve(r.in), Unit: a.unit.Resolve(r.in)}
	text := a.value.Resolve(r.in)
	// White space around the number is what the recipe's awk leaves, and it works.
	if m.Value, err = strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil {
		return m.Name, fail("metricValue", "value %.60q: not a number", text)
	}
	if m.Time, err = a.time(r); err != nil {
		return m.Name, err
	}
	return m.Name, r.svc.PutMetric(r.message.Time, m)
}

// time is in Unix seconds: milliseconds are a far future that CloudWatch refuses. An empty one fails the action in AWS
// too.
func (a metricAction) time(r *run) (time.Time, error) {
	if a.timestamp == nil {
		return r.message.Time, nil
	}
	text := a.timestamp.Resolve(r.in)
	seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return time.Time{}, fail("metricTimestamp", "timestamp %.60q: not whole Unix seconds", text)
	}
	return time.Unix(seconds, 0), nil
}
