package rules_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/localcore/rules"
)

// ruleText is a good rule file with pairs of old and new text replaced, one pair for each mistake to test.
func ruleText(t *testing.T, oldnew ...string) []byte {
	t.Helper()
	const good = `{
  "sql": "SELECT * FROM 'raspi/metrics'",
  "awsIotSqlVersion": "2016-03-23",
  "ruleDisabled": false,
  "description": "d",
  "actions": [{"cloudwatchMetric": {
    "metricNamespace": "RaspberryPi", "metricName": "${name}", "metricUnit": "${unit}", "metricValue": "${value}",
    "metricTimestamp": "${timestamp}", "roleArn": "arn:aws:iam::123456789012:role/r"}}],
  "errorAction": {"republish": {"topic": "errors", "qos": 1, "roleArn": "arn:aws:iam::123456789012:role/r"}}
}`
	out := strings.NewReplacer(oldnew...).Replace(good)
	if len(oldnew) > 0 && out == good {
		t.Fatalf("%q replaces nothing", oldnew)
	}
	return []byte(out)
}

func mustParse(t *testing.T, name string, text []byte) *rules.Rule {
	t.Helper()
	r, err := rules.Parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParse_accepts(t *testing.T) {
	for name, text := range map[string][]byte{
		"all members":    ruleText(t),
		"old version":    ruleText(t, "2016-03-23", "2015-10-08"),
		"no version":     ruleText(t, `"awsIotSqlVersion": "2016-03-23",`, ""),
		"no description": ruleText(t, `"description": "d",`, ""),
		"no timestamp":   ruleText(t, `"metricTimestamp": "${timestamp}",`, ""),
		"sns": ruleText(t, `"republish": {"topic": "errors", "qos": 1,`,
			`"sns": {"targetArn": "arn:aws:sns:x", "messageFormat": "RAW",`),
		"sns by template": ruleText(t, `"republish": {"topic": "errors", "qos": 1,`,
			`"sns": {"targetArn": "arn:aws:sns:x:${topic()}", "messageFormat": "JSON",`),
		"metric as error": ruleText(t, `"republish": {"topic": "errors", "qos": 1,`,
			`"cloudwatchMetric": {"metricNamespace": "n", "metricName": "n", "metricUnit": "None", "metricValue": "1",`),
		"floor(timestamp())": ruleText(t, "${timestamp}", "${floor(timestamp()/1000)}"),
		"no FROM":            ruleText(t, " FROM 'raspi/metrics'", ""),
		"reserved topic":     ruleText(t, `"topic": "errors"`, `"topic": "$$aws/things/x/shadow/update"`),
		"qos 0":              ruleText(t, `"qos": 1`, `"qos": 0`),
		"batch": ruleText(t, `"republish": {"topic": "errors", "qos": 1,`,
			`"cloudwatchLogs": {"logGroupName": "g", "batchMode": true,`),
		"logs": ruleText(t, `"republish": {"topic": "errors", "qos": 1,`, `"cloudwatchLogs": {"logGroupName": "g",`),
	} {
		if _, err := rules.Parse("r", text); err != nil {
			t.Errorf("%s: got %v, want nil", name, err)
		}
	}
}

// The statements of rules that run in AWS.
func TestParse_acceptsSQL(t *testing.T) {
	for _, text := range []string{
		"SELECT VALUE *.batch FROM 'piway/emf/+'",
		"SELECT * FROM 'piway/errors/+' WHERE endswith(clientId, '-feedback') = false",
		"SELECT name, cast(value AS Decimal) AS v, get(data, 'a-b') FROM 'a/+/b' WHERE v2 > 3 AND NOT isUndefined(x) OR (a " +
			"+ 1) * 2 <> 7",
	} {
		if _, err := rules.Parse("r", ruleText(t, "SELECT * FROM 'raspi/metrics'", text)); err != nil {
			t.Errorf("%s: got %v, want nil", text, err)
		}
	}
}

func TestParse_refuses(t *testing.T) {
	for _, tc := range []struct {
		name, old, new string
		want           string
	}{
		{"not an object", "{\n  \"sql\"", "[\n  \"sql\"", "rule: must be a JSON object"},
		{"cut short", "\n}", "", "rule: not valid JSON"},
		{"text after it", "\n}", "\n} x", "rule: text after the closing brace"},
		{"unknown member", "description", "comment", "comment: not a member that is known here, try: one of sql,"},
		{"other case", `"sql"`, `"Sql"`, "Sql: not a member that is known here, try: sql"},
		{"member twice", `"description": "d",`, `"description": "d", "description": "e",`, "description: given twice"},
		{"version", "2016-03-23", "2016-03-24", `awsIotSqlVersion: "2016-03-24": not a version`},
		{"no sql", `"sql": "SELECT * FROM 'raspi/metrics'",`, "", "sql: required and missing"},
		{"sql not text", `"SELECT * FROM 'raspi/metrics'"`, "1", "sql: must be a string"},
		{"sql", "SELECT *", "SELECT name,", `sql: column 14: got "FROM", want an expression`},
		{"disabled", "false", `"no"`, "ruleDisabled: must be true or false"},
		{"description", `"d"`, "null", "description: must be a string"},
		{"cut in a member", "role/r\"}}]", "role/r\"}", "actions: not valid JSON"},
		{"other action", "cloudwatchMetric", "lambda", "actions[0].lambda: not supported here, try: --skip-foreign-actions"},
		{"no such action", "cloudwatchMetric", "cloudWatchMetrics", "actions[0].cloudWatchMetrics: not a member"},
		{"action in another case", "cloudwatchMetric", "OpenSearch", "actions[0].OpenSearch: not a member that is known here, try: openSearch"},
		{"foreign error action", "republish", "sqs", "errorAction.sqs: not supported here, try: --skip-foreign-actions"},
		{"name", "\"description\": \"d\"", "\"ruleName\": \"a-b\"", `rule name "a-b": AWS takes`},
		{"name of no text", "\"description\": \"d\"", "\"ruleName\": 1", "ruleName: must be a string"},
		{
			"no action", `{"cloudwatchMetric": {`, `{}, {"cloudwatchMetric": {`,
			"actions[0]: must have exactly one action, got 0",
		},
		{"action member", "metricNamespace", "metricNameSpace", "actions[0].cloudwatchMetric.metricNameSpace: not a member " +
			"that is known here, try: metricNamespace"},
		{
			"action member missing", `"metricUnit": "${unit}",`, "",
			"actions[0].cloudwatchMetric.metricUnit: required and missing",
		},
		{"template", "${value}", "${sqrt(value)}", "actions[0].cloudwatchMetric.metricValue: column 3: function sqrt is " +
			"not supported here"},
		{"timestamp template", "${timestamp}", "${timestamp()", `metricTimestamp: column 1: "${" has no closing brace`},
		{"role", "arn:aws:iam::123456789012:role/r\"}}]", "piway-rule\"}}]", `roleArn: "piway-rule" is not a role's ARN`},
		{"role by template", "role/r\"}}]", "role/${name}\"}}]", `is not a role's ARN`},
		{"error action", "republish", "retry", "errorAction.retry: not a member"},
		{
			"two error actions", `"errorAction": {`, `"errorAction": {"sns": {}, `,
			"errorAction: must have exactly one action, got 2",
		},
		{"error action member", `"topic"`, `"filter"`, "errorAction.republish.filter: not a member"},
		{"error action headers", `"qos": 1`, `"headers": {}`, "errorAction.republish.headers: not a member"},
		{"error action topic", `"topic": "errors",`, "", "errorAction.republish.topic: required"},
		{"error action reserved", `"errors"`, `"$aws/x"`, "errorAction.republish.topic: a reserved topic is written with " +
			"two dollar signs, try: $$aws/x"},
		{"error action wildcard", `"errors"`, `"a/#"`, `errorAction.republish.topic: topic "a/#": wildcards`},
		{"error action qos", `"qos": 1`, `"qos": 2`, "errorAction.republish.qos: must be 0 or 1, got 2"},
		{"error action qos text", `"qos": 1`, `"qos": "1"`, `errorAction.republish.qos: must be 0 or 1, got "1"`},
		{"error action role", "arn:aws:iam::123456789012:role/r\"}}\n", "x\"}}\n", "errorAction.republish.roleArn"},
		{
			"sns target", `"republish": {"topic": "errors", "qos": 1`, `"sns": {"targetArn": "me"`,
			`errorAction.sns.targetArn: "me" is not an SNS topic's ARN`,
		},
		{
			"sns fifo", `"republish": {"topic": "errors", "qos": 1`, `"sns": {"targetArn": "arn:aws:sns:a:1:x.fifo"`,
			"errorAction.sns.targetArn: the SNS action does not support FIFO",
		},
		{
			"sns format", `"republish": {"topic": "errors", "qos": 1`,
			`"sns": {"targetArn": "arn:aws:sns:a:1:x", "messageFormat": "XML"`,
			"errorAction.sns.messageFormat: must be RAW or JSON",
		},
		{
			"batch", `"republish": {"topic": "errors", "qos": 1`, `"cloudwatchLogs": {"logGroupName": "g", "batchMode": 1`,
			"errorAction.cloudwatchLogs.batchMode: must be true or false",
		},
		{
			"group", `"republish": {"topic": "errors", "qos": 1`, `"cloudwatchLogs": {"batchMode": true`,
			"errorAction.cloudwatchLogs.logGroupName: required",
		},
		{"too long", `"d"`, `"` + strings.Repeat("d", 128*1024) + `"`, "IoT Core takes 131072"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := rules.Parse("r", ruleText(t, tc.old, tc.new))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestParse_defaultVersionIsTheOldOne(t *testing.T) {
	_, err := rules.Parse("r", ruleText(t, `"awsIotSqlVersion": "2016-03-23",`, "", "SELECT *", "SELECT VALUE name"))
	if err == nil || !strings.Contains(err.Error(), "sql: column 8: SELECT VALUE needs awsIotSqlVersion 2016-03-23, and "+
		"the rule has 2015-10-08") {
		t.Errorf("got %v, want SELECT VALUE refused", err)
	}
}

func TestParse_refusesActionsThatAreNoList(t *testing.T) {
	for _, member := range []string{"", `, "actions": null`, `, "actions": {}`} {
		_, err := rules.Parse("r", []byte(`{"sql": "SELECT * FROM 'a'"`+member+`}`))
		if err == nil || !strings.Contains(err.Error(), "actions: must be a list") {
			t.Errorf("%q: got %v, want it must be a list", member, err)
		}
	}
}

func TestParse_refusesElevenActions(t *testing.T) {
	one := `{"cloudwatchMetric": {"metricNamespace": "n", "metricName": "n", "metricUnit": "None", "metricValue": "1", "roleArn": "arn:aws:iam::1:role/r"}}`
	for n, ok := range map[int]bool{0: true, 10: true, 11: false} {
		list := strings.TrimSuffix(strings.Repeat(one+",", n), ",")
		_, err := rules.Parse("r", fmt.Appendf(nil, `{"sql": "SELECT * FROM 'a'", "actions": [%s]}`, list))
		if (err == nil) != ok {
			t.Errorf("%d actions: got %v, want accepted %v", n, err, ok)
		}
	}
}

func TestLoad_namesTheRuleByItsFile(t *testing.T) {
	dir := t.TempDir()
	for file, want := range map[string]string{"topic-rule.json": "topic_rule", "a b.json": ""} {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, ruleText(t), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := rules.Load(path, false)
		switch {
		case want == "" && (err == nil || !strings.Contains(err.Error(), path)):
			t.Errorf("%s: got %v, want an error that names the file", file, err)
		case want != "" && err != nil:
			t.Errorf("%s: %v", file, err)
		case want != "" && r.Name != want:
			t.Errorf("%s: got %q, want %q", file, r.Name, want)
		}
	}
	if _, err := rules.Load(filepath.Join(dir, "none.json"), false); !os.IsNotExist(err) {
		t.Errorf("no file: got %v, want it does not exist", err)
	}
}

// FuzzParse runs whatever loads over whatever is published.
func FuzzParse(f *testing.F) {
	const metric = `{"cloudwatchMetric": {"metricNamespace": "n", "metricName": "${name}", "metricUnit": "None", "metricValue": "${floor(value)}", "roleArn": "arn:aws:iam::1:role/r"}}`
	const role = `"roleArn": "arn:aws:iam::1:role/r"`
	for rule, payload := range map[string]string{
		`{"sql": "SELECT * FROM 'a'", "actions": []}`: `{}`,
		`{"sql": "SELECT * FROM 'a'", "actions": [` + metric + `], "errorAction": {"sns": {"targetArn": "arn:aws:sns:t", ` +
			role + `}}}`: `{"value": "x"}`,
		`{"sql": "SELECT VALUE *.batch", "awsIotSqlVersion": "2016-03-23", "actions": [{"cloudwatchLogs": {"logGroupName": "${topic()}", "batchMode": true, ` + role + `}}]}`: `{"batch": [{"timestamp": 1, "message": "m"}]}`,
		`{"sql": "SELECT a, 1 AS b FROM '#' WHERE a > 1", "actions": [{"republish": {"topic": "b/${a}", ` + role +
			`}}], "errorAction": {"republish": {"topic": "$$aws/rules/r", ` + role + `}}}`: `{"a": 2}`,
		`{"actions": [{}], "sql": 1}`:                                    `[`,
		`{"sql": "SELECT * FROM 'a'", "actions": [], "errorAction": {}}`: ``,
		`{"a": 1`: "\xff",
	} {
		f.Add([]byte(rule), []byte(payload))
	}
	f.Fuzz(func(t *testing.T, text, payload []byte) {
		r, err := rules.Parse("r", text)
		if (r == nil) == (err == nil) {
			t.Errorf("got rule %v and error %v, want one of them", r, err)
		}
		if err != nil {
			return
		}
		e, err := rules.New([]*rules.Rule{r}, new(sink).services(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		e.Handle(rules.Message{Topic: "a", Payload: payload})
		e.Handle(rules.Message{Topic: "$aws/rules/r/b", Payload: payload})
		if c, last := e.Failures(); c.Failure > 0 != (len(last) > 0) {
			t.Errorf("got %+v and %d failures kept", c, len(last))
		}
	})
}
