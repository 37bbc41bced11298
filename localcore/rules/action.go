package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"piway/localcore/sql"
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

// kinds are the actions that are supported, by their members in a rule file.
var kinds = map[string]func(o object, version sql.Version) (action, error){
	"cloudwatchMetric": readMetric,
	"cloudwatchLogs":   readLogs,
	"republish":        readRepublish,
	"sns":              readSNS,
}

// members are what each of them may hold.
var members = map[string][]string{
	"cloudwatchMetric": {"metricNamespace", "metricName", "metricUnit", "metricValue", "metricTimestamp", "roleArn"},
	"cloudwatchLogs":   {"logGroupName", "batchMode", "roleArn"},
	"republish":        {"topic", "qos", "roleArn"},
	"sns":              {"targetArn", "messageFormat", "roleArn"},
}

func readActions(top object, version sql.Version) ([]action, error) {
	var list []json.RawMessage
	if raw := top.members["actions"]; raw == nil || raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return nil, top.errorf("actions", "must be a list of actions")
	}
	if len(list) > maxActions {
		return nil, top.errorf("actions", "%d actions, IoT Core takes %d", len(list), maxActions)
	}
	actions := make([]action, len(list))
	for i, raw := range list {
		var err error
		if actions[i], err = readAction(fmt.Sprintf("actions[%d]", i), raw, version); err != nil {
			return nil, err
		}
	}
	return actions, nil
}

// readErrorAction returns nil if the rule has none.
func readErrorAction(top object, version sql.Version) (action, error) {
	if !top.has("errorAction") {
		return nil, nil
	}
	return readAction("errorAction", top.members["errorAction"], version)
}

func readAction(path string, raw json.RawMessage, version sql.Version) (action, error) {
	one, err := readObject(path, raw, "cloudwatchMetric", "cloudwatchLogs", "republish", "sns")
	if err != nil {
		return nil, err
	}
	if len(one.members) != 1 {
		return nil, one.errorf("", "must have exactly one action, got %d, try: one of %s", len(one.members), strings.Join(one.known, ", "))
	}
	for name, raw := range one.members {
		o, err := readObject(one.at(name), raw, members[name]...)
		if err != nil {
			return nil, err
		}
		if err := checkRole(o); err != nil {
			return nil, err
		}
		return kinds[name](o, version)
	}
	panic("rules: one member is none")
}

// checkRole looks at the form only; nobody assumes the role here.
func checkRole(o object) error {
	arn, err := o.needText("roleArn")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":role/") || strings.Contains(arn, "${") {
		return o.errorf("roleArn", "%q is not a role's ARN, try: arn:aws:iam::123456789012:role/piway-rule", arn)
	}
	return nil
}

func readTemplate(o object, name string, version sql.Version) (sql.Template, error) {
	text, err := o.needText(name)
	if err != nil {
		return sql.Template{}, err
	}
	t, err := sql.ParseTemplate(text, version)
	if err != nil {
		return sql.Template{}, o.errorf(name, "%w", err)
	}
	return t, nil
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
