package cloud

import (
	"bytes"
	"encoding/json"

	files "piway/configs/aws"
)

// sqlVersion must be said: the default is 2015-10-08, which cannot select a list (AWS IoT, SQL versions).
const sqlVersion = "2016-03-23"

type topicRule struct {
	SQL         string   `json:"sql"`
	Version     string   `json:"awsIotSqlVersion"`
	Disabled    bool     `json:"ruleDisabled"`
	Description string   `json:"description"`
	Actions     []action `json:"actions"`
	ErrorAction *action  `json:"errorAction,omitempty"`
}

// An action has one member.
type action struct {
	CloudwatchMetric *metricAction    `json:"cloudwatchMetric,omitempty"`
	CloudwatchLogs   *logsAction      `json:"cloudwatchLogs,omitempty"`
	SNS              *snsAction       `json:"sns,omitempty"`
	Republish        *republishAction `json:"republish,omitempty"`
}

// metricAction: one datum a message, all members texts (AWS IoT, CloudWatch metrics rule action).
type metricAction struct {
	Namespace string `json:"metricNamespace"`
	Name      string `json:"metricName"`
	Unit      string `json:"metricUnit"`
	Value     string `json:"metricValue"`
	Timestamp string `json:"metricTimestamp"`
	RoleARN   string `json:"roleArn"`
}

// logsAction: with batchMode its input is a list of events (AWS IoT, CloudWatch Logs rule action).
type logsAction struct {
	LogGroup  string `json:"logGroupName"`
	BatchMode bool   `json:"batchMode"`
	RoleARN   string `json:"roleArn"`
}

type snsAction struct {
	TargetARN     string `json:"targetArn"`
	MessageFormat string `json:"messageFormat"`
	RoleARN       string `json:"roleArn"`
}

type republishAction struct {
	Topic   string `json:"topic"`
	QoS     int    `json:"qos"`
	RoleARN string `json:"roleArn"`
}

// Rules returns the rules that the names need, by rule name: the form's, and the one for errors.
func (n Names) Rules() map[string][]byte {
	return map[string][]byte{n.RuleName(): n.DataRule(n.Form), files.ErrorsRuleName: n.ErrorsRule()}
}

// DataRule returns the rule of a form, for `aws iot create-topic-rule --topic-rule-payload`.
func (n Names) DataRule(form string) []byte {
	role := n.roleARN(form)
	r := topicRule{
		Version: sqlVersion,
		// The answer goes to who sent it: the data's client, or the canary's.
		ErrorAction: &action{Republish: &republishAction{n.reports() + "/${clientid()}", 1, role}},
	}
	switch form {
	case EMF:
		r.SQL = "SELECT VALUE *.batch FROM '" + n.filter(EMF) + "'"
		r.Description = "Piway emf form, one message is a batch of log events in CloudWatch's embedded metric format"
		r.Actions = []action{{CloudwatchLogs: &logsAction{n.LogGroup, true, role}}}
	default:
		r.SQL = "SELECT * FROM '" + n.filter(Metric) + "'"
		r.Description = "Piway metric form, one message is one CloudWatch datapoint, dated by its own timestamp in seconds"
		r.Actions = []action{{CloudwatchMetric: &metricAction{
			n.Namespace, "${name}", "${unit}", "${value}", "${timestamp}",
			role,
		}}}
	}
	return text(r)
}

// ErrorsRule returns the rule that mails what the others could not do, but not what a canary provoked.
func (n Names) ErrorsRule() []byte {
	return text(topicRule{
		SQL:         "SELECT * FROM '" + n.reports() + "/+' WHERE endswith(clientId, '" + feedbackSuffix + "') = false",
		Version:     sqlVersion,
		Description: "Piway, what another rule could not do is mailed, except for the canary's answers",
		Actions:     []action{{SNS: &snsAction{n.arn("sns", alerts), "RAW", n.roleARN(errorsRole)}}},
	})
}

// text is JSON for people to read, with < > & as they are.
func text(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic("cloud: own types do not encode: " + err.Error())
	}
	return b.Bytes()
}
