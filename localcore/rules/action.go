package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"piway/localcore/sql"
	"piway/localcore/strict"
)

// maxActions is IoT Core's quota of actions in a rule.
const maxActions = 10

// An action is one thing that a rule does with a message, or with the error document.
type action interface {
	// do carries the action out. The resource says what it was about, also with an error.
	do(r *run) (resource string, err error)
	// name is what AWS calls the action in an error document.
	name() string
}

// A run is what an action gets: the message, for its templates, and what SELECT made of it, its input.
type run struct {
	rule    *Rule
	message Message
	in      *sql.Input
	output  sql.Value
	svc     *Services
	// republish publishes a message and runs the rules that select it.
	republish func(topic string, qos byte, payload []byte) error
}

// kinds are the actions that are supported, by their members in a rule file, with what each may hold.
var kinds = map[string]struct {
	read    func(o strict.Object, version sql.Version) action
	members []string
}{
	"cloudwatchMetric": {readMetric, []string{
		"metricNamespace", "metricName", "metricUnit", "metricValue", "metricTimestamp", "roleArn",
	}},
	"cloudwatchLogs": {readLogs, []string{"logGroupName", "batchMode", "roleArn"}},
	"republish":      {readRepublish, []string{"topic", "qos", "roleArn"}},
	"sns":            {readSNS, []string{"targetArn", "messageFormat", "roleArn"}},
}

// supported and foreign are all actions that AWS has (IoT API, Action).
var (
	supported = []string{"cloudwatchMetric", "cloudwatchLogs", "republish", "sns"}
	foreign   = []string{
		"cloudwatchAlarm", "dynamoDB", "dynamoDBv2", "elasticsearch", "firehose", "http", "influxDB", "iotAnalytics",
		"iotEvents", "iotSiteWise", "kafka", "kinesis", "lambda", "location", "openSearch", "s3", "salesforce", "sqs",
		"stepFunctions", "timestream",
	}
)

func (r *Rule) readActions(top strict.Object, skip bool) {
	if raw := top.Members["actions"]; raw == nil || raw[0] != '[' {
		top.Fail("actions", "must be a list of actions")
		return
	}
	list := top.List("actions")
	if len(list) > maxActions {
		top.Fail("actions", "%d actions, IoT Core takes %d", len(list), maxActions)
	}
	for i, raw := range list {
		if a := r.readAction(top, fmt.Sprintf("actions[%d]", i), raw, skip); a != nil {
			r.actions = append(r.actions, a)
		}
	}
	if top.Has("errorAction") {
		r.onError = r.readAction(top, "errorAction", top.Members["errorAction"], skip)
	}
}

// readAction returns nil for a foreign one that is skipped, and for a mistake.
func (r *Rule) readAction(top strict.Object, path string, raw json.RawMessage, skip bool) action {
	one := top.ReadAt(path, raw, slices.Concat(supported, foreign)...)
	if len(one.Names) != 1 {
		one.Fail("", "must have exactly one action, got %d, try: one of %s", len(one.Names), strings.Join(supported, ", "))
	}
	if one.Err() != nil {
		return nil
	}
	name := one.Names[0]
	kind, known := kinds[name]
	if !known && skip {
		r.Warnings = append(r.Warnings, one.At(name)+": skipped, not supported here")
		return nil
	}
	if !known {
		one.Fail(name, "not supported here, try: --skip-foreign-actions, or one of %s", strings.Join(supported, ", "))
		return nil
	}
	o := one.Read(name, kind.members...)
	// The role's form is all that is looked at; nobody assumes it here.
	if arn := o.NeedText("roleArn"); !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":role/") ||
		strings.Contains(arn, "${") {
		o.Fail("roleArn", "%q is not a role's ARN, try: arn:aws:iam::123456789012:role/piway-rule", arn)
	}
	return kind.read(o, r.version)
}

func readTemplate(o strict.Object, name string, version sql.Version) sql.Template {
	t, err := sql.ParseTemplate(o.NeedText(name), version)
	if err != nil {
		o.Fail(name, "%w", err)
	}
	return t
}

// A failure is an error with the kind that it is logged once for. Kinds are few by construction.
type failure struct {
	error
	kind string
}

func fail(kind, format string, args ...any) error { return failure{fmt.Errorf(format, args...), kind} }

func (f failure) Unwrap() error { return f.error }
func (f failure) Kind() string  { return f.kind }

func kindOf(err error) string {
	var k interface{ Kind() string }
	if errors.As(err, &k) {
		return k.Kind()
	}
	return "other"
}
