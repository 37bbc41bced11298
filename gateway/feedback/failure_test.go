package feedback_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"piway/gateway/feedback"
)

// report is AWS's document about one failed action (AWS IoT Developer Guide, error action message).
func report(client, payload, action, message string) string {
	return fmt.Sprintf(`{"ruleName":"piway_metric","topic":"$aws/rules/piway_metric/gw","cloudwatchTraceId":"7e146a2c-95b5-6caf-98b9-50e3969734c7",
		"clientId":%q,"base64OriginalPayload":%q,"failures":[{"failedAction":%q,"failedResource":"x","errorMessage":%q}]}`,
		client, base64.StdEncoding.EncodeToString([]byte(payload)), action, message)
}

func TestParse(t *testing.T) {
	f, err := feedback.Parse([]byte(report("gw", `{"name":"a"}`, "CloudwatchMetricAction",
		"The parameter MetricData.member.1.Unit must be a value in the set")))
	if err != nil {
		t.Fatal(err)
	}
	if f.Rule != "piway_metric" || f.ClientID != "gw" || string(f.Payload) != `{"name":"a"}` ||
		f.Action != "CloudwatchMetricAction" || f.Reason != "unit" {
		t.Errorf("got %+v", f)
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"failures":[]}`, `{"failures":[{}],"base64OriginalPayload":"%"}`} {
		if _, err := feedback.Parse([]byte(bad)); err == nil {
			t.Errorf("%s: got no error", bad)
		}
	}
}

// Each of AWS's phrases leads to a reason, and each reason to a fix of its own.
func TestParse_reasons(t *testing.T) {
	for message, want := range map[string]string{
		"The parameter MetricData.member.1.Unit must be a value in the set [ Seconds, …":             "unit",
		"The parameter MetricData.member.1.Timestamp must specify a time within the past two weeks.": "time",
		"The parameter Namespace must not begin with AWS/":                                           "namespace",
		"The parameter MetricData.member.1.MetricName must not be empty or blank":                    "name",
		`value "abc": not a number`: "value",
		"User: arn:aws:sts::1:assumed-role/x is not authorized to perform: cloudwatch:PutMetricData": "permission",
		"ResourceNotFoundException: The specified log group does not exist.":                         "log group",
		"Rate exceeded (Service: AmazonCloudWatch; Status Code: 400; Error Code: Throttling)":        "throttled",
		"Log events in a single PutLogEvents request must be in chronological order.":                "order",
		"The batch of log events in a single PutLogEvents request cannot span more than 24 hours.":   "order",
		"something that nobody has seen before":                                                      "other",
	} {
		f, err := feedback.Parse([]byte(report("gw", "{}", "A", message)))
		if err != nil || f.Reason != want {
			t.Errorf("%s: got %q, %v, want %q", message, f.Reason, err, want)
		}
		if fix := feedback.Fix(f.Reason); fix == "" || (want != feedback.Other && fix == feedback.Fix(feedback.Other)) {
			t.Errorf("%s: got the fix %q", want, fix)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(report("gw", "{}", "A", "Unit")))
	f.Add([]byte(report("gw", strings.Repeat("x", 100), "A", strings.Repeat("ä", 400))))
	f.Add([]byte(`{"failures":[{"errorMessage":5}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := feedback.Parse(text)
		if err != nil {
			return
		}
		if got.Reason == "" || feedback.Fix(got.Reason) == "" || len(got.Message) > 310 || !utf8.ValidString(got.Message) {
			t.Errorf("got %+v", got)
		}
	})
}
