package rules_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/localcore/rules"
)

const docForm = `{"topicRulePayload": {"sql": "SELECT * FROM 'some/topic'", "ruleDisabled": false, "awsIotSqlVersion": "2016-03-23",
	"actions": [{"cloudwatchMetric": {"metricNamespace": "IotNamespace", "metricName": "IotMetric", "metricValue": "1",
	"metricUnit": "Count", "roleArn": "arn:aws:iam::123456789012:role/r"}}]}}`

const getForm = `{"ruleArn": "arn:aws:iot:us-east-1:123456789012:rule/r03", "rule": {"ruleName": "r03",
	"sql": "SELECT * FROM 'some/topic'", "createdAt": "2026-01-01T00:00:00+00:00", "actions": [{"cloudwatchMetric":
	{"metricNamespace": "N", "metricName": "x", "metricValue": "${v}", "metricUnit": "None",
	"roleArn": "arn:aws:iam::123456789012:role/r"}}], "ruleDisabled": false, "awsIotSqlVersion": "2016-03-23"}}`

const dynamoAndMetric = `{"sql": "SELECT * FROM 'health/monitor'", "ruleDisabled": false, "actions": [
	{"dynamoDBv2": {"roleArn": "arn:aws:iam::123456789012:role/r", "putItem": {"tableName": "t"}}},
	{"cloudwatchMetric": {"metricNamespace": "P", "metricName": "SpO2", "metricValue": "${spo2}", "metricUnit": "Percent",
	"roleArn": "arn:aws:iam::123456789012:role/r"}}], "awsIotSqlVersion": "2016-03-23"}`

// load puts a rule into a file named a-file.json.
func load(t *testing.T, text string, skip bool) (*rules.Rule, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a-file.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return rules.Load(path, skip)
}

func TestLoad_forms(t *testing.T) {
	good := string(ruleText(t))
	for name, tc := range map[string]struct{ text, rule string }{
		"payload":                  {good, "a_file"},
		"AWS's page":               {docForm, "a_file"},
		"get-topic-rule":           {getForm, "r03"},
		"create, --cli-input-json": {`{"ruleName": "mine", "topicRulePayload": ` + good + `, "tags": "a=b"}`, "mine"},
		"the rule of get":          {strings.Replace(good, "{", `{"ruleName": "r9", "createdAt": 1700000000.5,`, 1), "r9"},
		"a payload as text":        {`{"topicRulePayload": "{\"sql\": \"SELECT * FROM 'a'\", \"actions\": []}"}`, "a_file"},
	} {
		r, err := load(t, tc.text, false)
		if err != nil || r.Name != tc.rule || r.Warnings != nil {
			t.Errorf("%s: got %+v, %v, want the rule %s", name, r, err, tc.rule)
		}
	}
	for text, want := range map[string]string{
		`{"topicRulePayload": 5}`:                               "rule: must be a JSON object",
		`{"topicRulePayload": {"sql": "SELECT *"}}`:             "actions: must be a list",
		`{"ruleName": "a b", "topicRulePayload": ` + good + `}`: `rule name "a b": AWS takes`,
		`{"ruleName": 5, "topicRulePayload": ` + good + `}`:     "ruleName: must be a string",
		`{"rule": {"Sql": "SELECT *"}}`:                         "Sql: not a member that is known here, try: sql",
	} {
		if _, err := load(t, text, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

// Foreign actions are skipped on request only, and told one by one; the others do what they do at AWS.
func TestLoad_foreignActions(t *testing.T) {
	const ours = `{"cloudwatchMetric": {"metricNamespace": "P", "metricName": "m", "metricValue": "1", "metricUnit": "None", "roleArn": "arn:aws:iam::1:role/r"}}`
	text := func(more string, actions ...string) string {
		return `{"sql": "SELECT * FROM 'health/monitor'", "actions": [` + strings.Join(actions, ",") + `]` + more + `}`
	}
	for name, tc := range map[string]struct {
		text    string
		want    []string
		success int64
	}{
		"DynamoDB and metric": {dynamoAndMetric, []string{"actions[0].dynamoDBv2: skipped, not supported here"}, 1},
		"lambda":              {text("", `{"lambda": {"functionArn": "arn:aws:lambda:us-west-2:123456789012:function:f"}}`, ours), []string{"actions[0].lambda: skipped"}, 1},
		"S3 last":             {text("", ours, `{"s3": {"roleArn": "arn:aws:iam::1:role/r", "bucketName": "b", "key": "k"}}`, ours), []string{"actions[1].s3: skipped"}, 2},
		"nothing of ours":     {text("", `{"firehose": {}}`, `{"sqs": {}}`), []string{"actions[0].firehose: skipped", "actions[1].sqs: skipped"}, 0},
		"error action":        {text(`, "errorAction": {"kinesis": {}}`, ours), []string{"errorAction.kinesis: skipped"}, 1},
		"a new one":           {text("", `{"influxDB": {"tableName": "t"}}`, ours), []string{"actions[0].influxDB: skipped"}, 1},
		"none is foreign":     {text("", ours), nil, 1},
		"beta":                {text(`, "awsIotSqlVersion": "beta"`, ours), []string{"awsIotSqlVersion: beta is taken for 2016-03-23 here"}, 1},
	} {
		r, err := load(t, tc.text, true)
		if err != nil || len(r.Warnings) != len(tc.want) {
			t.Errorf("%s: got %+v, %v, want %d warnings", name, r, err, len(tc.want))
			continue
		}
		for i, want := range tc.want {
			if !strings.HasPrefix(r.Warnings[i], want) {
				t.Errorf("%s: got %q, want %q", name, r.Warnings[i], want)
			}
		}
		_, e := apply(t, r, message("health/monitor", `{"spo2": 97}`))
		if c, _ := e.Failures(); c.Success != tc.success || c.Failure != 0 {
			t.Errorf("%s: got %+v, want %d actions done", name, c, tc.success)
		}
		if _, err := load(t, tc.text, false); (err == nil) != (tc.want == nil || name == "beta") {
			t.Errorf("%s: without being asked for: got %v", name, err)
		}
	}
	for name, bad := range map[string]string{
		"a typo":              text("", `{"cloudwatchMetrics": {}}`),
		"two in one":          text("", `{"lambda": {}, "sqs": {}}`),
		"eleven":              text("", strings.TrimSuffix(strings.Repeat(`{"sqs": {}},`, 11), ",")),
		"a mistake in ours":   text("", `{"sqs": {}}`, `{"cloudwatchMetric": {}}`),
		"a typo of the error": text(`, "errorAction": {"Lambda": {}}`, ours),
	} {
		if _, err := load(t, bad, true); err == nil {
			t.Errorf("%s loads", name)
		}
	}
}
