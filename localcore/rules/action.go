package rules

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxActions is IoT Core's quota of actions in a rule.
const maxActions = 10

// A Metric is what a cloudwatchMetric action makes of one message. Only value and time have been judged.
type Metric struct {
	Namespace, Name, Unit string
	Value                 float64
	Time                  time.Time
}

// An action is one cloudwatchMetric action (CloudwatchMetricAction in the IoT API): its members are templates that
// are resolved once a message, against the payload as it came.
type action struct {
	namespace, name, unit, value Template
	timestamp                    *Template // nil: the time of the message
}

func readActions(top object) ([]action, error) {
	var list []json.RawMessage
	if raw := top.members["actions"]; raw == nil || raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return nil, top.errorf("actions", "must be a list of actions")
	}
	if len(list) > maxActions {
		return nil, top.errorf("actions", "%d actions, IoT Core takes %d", len(list), maxActions)
	}
	actions := make([]action, len(list))
	for i, raw := range list {
		path := fmt.Sprintf("actions[%d]", i)
		one, err := readObject(path, raw, "cloudwatchMetric")
		if err != nil {
			return nil, err
		}
		if !one.has("cloudwatchMetric") {
			return nil, one.errorf("", "an action must have one member, try: cloudwatchMetric, the only one supported")
		}
		if actions[i], err = readMetricAction(path+".cloudwatchMetric", one.members["cloudwatchMetric"]); err != nil {
			return nil, err
		}
	}
	return actions, nil
}

func readMetricAction(path string, raw json.RawMessage) (action, error) {
	o, err := readObject(path, raw, "metricNamespace", "metricName", "metricUnit", "metricValue", "metricTimestamp", "roleArn")
	if err != nil {
		return action{}, err
	}
	if err := checkRole(o); err != nil {
		return action{}, err
	}
	var a action
	for _, m := range []struct {
		name string
		into *Template
	}{
		{"metricNamespace", &a.namespace}, {"metricName", &a.name}, {"metricUnit", &a.unit}, {"metricValue", &a.value},
	} {
		if *m.into, err = readTemplate(o, m.name); err != nil {
			return action{}, err
		}
	}
	if o.has("metricTimestamp") {
		t, err := readTemplate(o, "metricTimestamp")
		if err != nil {
			return action{}, err
		}
		a.timestamp = &t
	}
	return a, nil
}

func readTemplate(o object, name string) (Template, error) {
	text, err := o.needText(name)
	if err != nil {
		return Template{}, err
	}
	t, err := ParseTemplate(text)
	if err != nil {
		return Template{}, o.errorf(name, "%w", err)
	}
	return t, nil
}

func checkRole(o object) error {
	arn, err := o.needText("roleArn")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":role/") {
		return o.errorf("roleArn", "%q is not a role's ARN, try: arn:aws:iam::123456789012:role/piway-rule", arn)
	}
	return nil
}

// metric resolves the action for one message. The metric's name is there also with an error, for the failure's record.
func (a action) metric(p Payload, now time.Time) (Metric, error) {
	m := Metric{Namespace: a.namespace.Resolve(p), Name: a.name.Resolve(p), Unit: a.unit.Resolve(p), Time: now}
	text := a.value.Resolve(p)
	var err error
	// White space around the number is what the recipe's awk leaves, and it works.
	if m.Value, err = strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil {
		return m, fail("metricValue", fmt.Errorf("value %.60q: not a number", text))
	}
	if a.timestamp != nil {
		// Unix seconds; an empty one fails the action in AWS too.
		text = a.timestamp.Resolve(p)
		seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return m, fail("metricTimestamp", fmt.Errorf("timestamp %.60q: not whole Unix seconds", text))
		}
		m.Time = time.Unix(seconds, 0)
	}
	return m, nil
}

// checkErrorAction accepts what AWS accepts of the actions that make sense here. A failure is kept by the Engine
// whatever the action; nothing is sent to it.
func checkErrorAction(top object) error {
	if !top.has("errorAction") {
		return nil
	}
	o, err := readObject("errorAction", top.members["errorAction"], "republish", "sns", "cloudwatchLogs")
	if err != nil {
		return err
	}
	if len(o.members) != 1 {
		return o.errorf("", "must have exactly one action, got %d", len(o.members))
	}
	required := map[string]string{"republish": "topic", "sns": "targetArn", "cloudwatchLogs": "logGroupName"}
	optional := map[string][]string{"republish": {"qos", "headers"}, "sns": {"messageFormat"}, "cloudwatchLogs": {"batchMode"}}
	for name, raw := range o.members {
		act, err := readObject("errorAction."+name, raw, append(optional[name], "roleArn", required[name])...)
		if err != nil {
			return err
		}
		if _, err := act.needText(required[name]); err != nil {
			return err
		}
		return checkRole(act)
	}
	return nil
}
