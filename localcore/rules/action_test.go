package rules_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/localcore/rules"
)

const role = `"roleArn": "arn:aws:iam::123456789012:role/r"`

// rule is a rule of SQL version 2016-03-23 with these actions and perhaps an error action.
func rule(t *testing.T, name, sql, actions, onError string) *rules.Rule {
	t.Helper()
	text := fmt.Sprintf(`{"sql": %q, "awsIotSqlVersion": "2016-03-23", "actions": [%s]`, sql, actions)
	if onError != "" {
		text += `, "errorAction": ` + onError
	}
	return mustParse(t, name, []byte(text+"}"))
}

func logs(group string, batch bool) string {
	return fmt.Sprintf(`{"cloudwatchLogs": {"logGroupName": %q, "batchMode": %v, %s}}`, group, batch, role)
}

func republish(topic string) string {
	return fmt.Sprintf(`{"republish": {"topic": %q, "qos": 1, %s}}`, topic, role)
}

func sns(arn, format string) string {
	return fmt.Sprintf(`{"sns": {"targetArn": %q, "messageFormat": %q, %s}}`, arn, format, role)
}

func send(e *rules.Engine, topic, payload string) {
	e.Handle(rules.Message{Topic: topic, ClientID: "gw", Payload: []byte(payload), Time: noon})
}

func TestCloudwatchLogs_batch(t *testing.T) {
	s := &sink{}
	e := newEngine(t, s, rule(t, "r", "SELECT VALUE *.batch FROM 'piway/emf/+'", logs("/emf/${topic(3)}", true), ""))
	send(e, "piway/emf/gw1", `{"batch": [{"timestamp": 1763791440250, "message": "{\"a\":1}"}, {"message": "b", "timestamp": 1763791440250.0}]}`)
	at := time.UnixMilli(1763791440250)
	want := []logged{{"/emf/gw1", []rules.LogEvent{{Time: at, Message: `{"a":1}`}, {Time: at, Message: "b"}}}}
	if diff := cmp.Diff(want, s.logs, cmp.AllowUnexported(logged{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestCloudwatchLogs_batchRefuses(t *testing.T) {
	for payload, want := range map[string]string{
		`{}`:            "batchMode: input must be a JSON array, got nothing (Undefined), try: SELECT VALUE *.batch",
		`{"batch": {}}`: "input must be a JSON array, got an object",
		`{"batch": []}`: "empty array",
		`{"batch": [{"timestamp": 1, "message": "a"}, "b"]}`: "batchMode: element 1: must be an object, got a string",
		`{"batch": [{"timestamp": "1", "message": "a"}]}`: "element 0: timestamp: must be a number of " +
			"milliseconds, got a string",
		`{"batch": [{"message": "a"}]}`: "element 0: timestamp: must be a number of " +
			"milliseconds, got nothing",
		`{"batch": [{"timestamp": 1.5, "message": "a"}]}`: "element 0: timestamp: must be whole milliseconds " +
			"since 1970, got 1.5",
		`{"batch": [{"timestamp": -1, "message": "a"}]}`:   "element 0: timestamp: must be whole milliseconds",
		`{"batch": [{"timestamp": 1e30, "message": "a"}]}`: "element 0: timestamp: must be whole milliseconds",
		`{"batch": [{"timestamp": 1, "message": {"a": 1}}]}`: "element 0: message: must be a string, got an " +
			"object, try: the document as a string",
		`{"batch": [{"timestamp": 1}]}`:                               "element 0: message: must be a string, got nothing",
		`{"batch": [{"timestamp": 1, "message": "a", "level": "x"}]}`: `element 0: "level": not a member that is known here`,
	} {
		s := &sink{}
		e := newEngine(t, s, rule(t, "r", "SELECT VALUE *.batch FROM 'a'", logs("g", true), ""))
		send(e, "a", payload)
		counts, last := e.Failures()
		if counts.Failure != 1 || s.logs != nil {
			t.Fatalf("%s: got %+v and %v, want one failure", payload, counts, s.logs)
		}
		got := last[0].Failures[0]
		if got.FailedAction != "CloudwatchLogsAction" || got.FailedResource != "g" ||
			!strings.Contains(got.ErrorMessage, want) {
			t.Errorf("%s: got %+v, want %q in it", payload, got, want)
		}
	}
}

func TestCloudwatchLogs_single(t *testing.T) {
	for _, tc := range []struct{ sql, payload, want string }{
		{"SELECT name AS n FROM 'a'", `{"name": "x"}`, `{"n":"x"}`},
		{"SELECT * FROM 'a'", `{"name":  10.0}`, `{"name":10}`},
		{"SELECT * FROM 'a'", "plain text", "plain text"},
		{"SELECT VALUE name FROM 'a'", `{"name": "x"}`, `"x"`},
	} {
		s := &sink{}
		send(newEngine(t, s, rule(t, "r", tc.sql, logs("g", false), "")), "a", tc.payload)
		want := []logged{{"g", []rules.LogEvent{{Time: noon, Message: tc.want}}}}
		if diff := cmp.Diff(want, s.logs, cmp.AllowUnexported(logged{})); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tc.sql, diff)
		}
	}
}

func TestSNS(t *testing.T) {
	const arn = "arn:aws:sns:eu-central-1:1:"
	for _, tc := range []struct{ target, format, payload, want, err string }{
		{arn + "x", "RAW", `{"a": 1}`, arn + `x {"a":1}`, ""},
		{arn + "${topic()}", "RAW", `{"a": 1}`, arn + `a {"a":1}`, ""},
		{arn + "x", "JSON", `{"default": "hello", "email": "e"}`, arn + "x hello", ""},
		{arn + "x", "JSON", `{"a": 1}`, "", "member default must be a string, got nothing"},
		{arn + "x", "JSON", `[1]`, "", "input must be an object, got an array"},
		{arn + "x", "RAW", ``, "", "message: empty"},
		{arn + "${a}", "RAW", `{"a": "x.fifo"}`, "", "FIFO"},
		{"${a}", "RAW", `{"a": "me"}`, "", "not an SNS topic's ARN"},
	} {
		s := &sink{}
		e := newEngine(t, s, rule(t, "r", "SELECT * FROM 'a'", sns(tc.target, tc.format), ""))
		send(e, "a", tc.payload)
		got := strings.Join(s.notified, "\n")
		_, last := e.Failures()
		switch {
		case got != tc.want:
			t.Errorf("%s of %s: got %q, want %q", tc.format, tc.payload, got, tc.want)
		case tc.err == "" && last != nil || tc.err != "" && (len(last) != 1 ||
			!strings.Contains(last[0].Failures[0].ErrorMessage, tc.err)):
			t.Errorf("%s of %s: got %+v, want %q", tc.format, tc.payload, last, tc.err)
		}
	}
}

func TestRepublish(t *testing.T) {
	for _, tc := range []struct{ topic, payload, want, err string }{
		{"b/${topic()}", `{"a": 1.0}`, `b/a {"a":1}`, ""},
		{"$$aws/things/${a}/shadow", `{"a": "t"}`, `$aws/things/t/shadow {"a":"t"}`, ""},
		{"${a}", `{"a": "$aws/x"}`, "", "two dollar signs, try: $$aws/x"},
		{"${a}", `{"a": "b/#"}`, "", "wildcards"},
		{"${none}", `{}`, "", `topic "": empty`},
		{"b", `{"a": "` + strings.Repeat("x", 128*1024) + `"}`, "", "IoT Core takes 131072"},
	} {
		s := &sink{}
		e := newEngine(t, s, rule(t, "r", "SELECT * FROM 'a'", republish(tc.topic), ""))
		send(e, "a", tc.payload)
		got := ""
		for _, m := range s.republished {
			got += m.Topic + " " + string(m.Payload)
			if m.ClientID != "1" {
				t.Errorf("%s: got QoS %s, want 1", tc.topic, m.ClientID)
			}
		}
		_, last := e.Failures()
		switch {
		case got != tc.want:
			t.Errorf("%s: got %q, want %q", tc.topic, got, tc.want)
		case tc.err == "" && last != nil || tc.err != "" && (len(last) != 1 ||
			!strings.Contains(last[0].Failures[0].ErrorMessage, tc.err)):
			t.Errorf("%s: got %.300v, want %q", tc.topic, last, tc.err)
		}
	}
}

func TestErrorAction_getsTheDocument(t *testing.T) {
	s := &sink{}
	bad := `{"cloudwatchMetric": {"metricNamespace": "n", "metricName": "${name}", "metricUnit": "None", "metricValue": "${value}", ` + role + `}}`
	e := newEngine(t, s, rule(t, "r", "SELECT * FROM 'site/+'", bad+","+logs("g", true)+","+logs("fine", false),
		republish("errors/${topic(1)}/${clientid()}/${name}/${timestamp()}")))
	const topic = "$aws/rules/r/site/x"
	send(e, topic, `{"name": "cpu", "value": "high"}`)

	if len(s.republished) != 1 || s.republished[0].Topic != "errors/site/gw/cpu/1763791440000" {
		t.Fatalf("got %+v, want one error document", s.republished)
	}
	var got rules.Document
	if err := json.Unmarshal(s.republished[0].Payload, &got); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(
		got.CloudwatchTraceID) {
		t.Errorf("got trace id %q, want a UUID", got.CloudwatchTraceID)
	}
	got.CloudwatchTraceID = ""
	want := rules.Document{
		RuleName: "r", Topic: topic, ClientID: "gw", Base64OriginalPayload: "eyJuYW1lIjogImNwdSIsICJ2YWx1ZSI6ICJoaWdoIn0=",
		Failures: []rules.ActionFailure{
			{FailedAction: "CloudwatchMetricAction", FailedResource: "cpu", ErrorMessage: `value "high": not a number`},
			{FailedAction: "CloudwatchLogsAction", FailedResource: "g", ErrorMessage: "batchMode: input must be a JSON array, " +
				"got an object, try: SELECT VALUE *.batch"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	counts, last := e.Failures()
	if want := (rules.Counts{TopicMatch: 1, Success: 1, Failure: 2, ErrorActionSuccess: 1}); counts != want ||
		len(last) != 1 {
		t.Errorf("got %+v and %d kept, want %+v and one", counts, len(last), want)
	}
	if want := []rules.Use{{Rule: "r", Bytes: len(topic) + 32, Actions: 4}}; cmp.Diff(want, s.uses) != "" {
		t.Errorf("got %+v, want %+v", s.uses, want)
	}
}

func TestErrorAction_everyKind(t *testing.T) {
	for name, onError := range map[string]string{
		"logs":   logs("g", false),
		"sns":    sns("arn:aws:sns:a:1:x", "RAW"),
		"metric": `{"cloudwatchMetric": {"metricNamespace": "n", "metricName": "failed", "metricUnit": "None", "metricValue": "1", ` + role + `}}`,
	} {
		s := &sink{}
		e := newEngine(t, s, rule(t, "r", "SELECT * FROM 'a'", republish("${none}"), onError))
		send(e, "a", "{}")
		if counts, _ := e.Failures(); counts.ErrorActionSuccess != 1 || len(s.logs)+len(s.notified)+len(s.metrics) != 1 {
			t.Errorf("%s: got %+v and %+v, want one success", name, counts, s)
		}
	}
}

func TestErrorAction_failsItself(t *testing.T) {
	s := &sink{}
	e := newEngine(t, s, rule(t, "r", "SELECT * FROM 'a'", logs("g", true), logs("g", true)))
	send(e, "a", "{}")
	counts, last := e.Failures()
	if want := (rules.Counts{TopicMatch: 1, Failure: 1, ErrorActionFailure: 1}); counts != want || len(last) != 1 {
		t.Fatalf("got %+v and %v, want %+v", counts, last, want)
	}
	if got := last[0].ErrorActionError; !strings.Contains(got, "CloudwatchLogsAction g: batchMode: input must be a JSON "+
		"array, got an object") {
		t.Errorf("got %q, want what was wrong with the error action", got)
	}
}

func TestMeter_countsWhatIsTriggered(t *testing.T) {
	for sql, want := range map[string]int{
		"SELECT * FROM 'a'":                      2,
		"SELECT * FROM 'a' WHERE x > 1":          1, // triggered, not selected
		"SELECT *, 1 AS b FROM 'a' WHERE x <> 2": 1,
	} {
		s := &sink{}
		send(newEngine(t, s, rule(t, "r", sql, logs("g", false)+","+republish("b"), "")), "a", `{}`)
		if diff := cmp.Diff([]rules.Use{{Rule: "r", Bytes: 3, Actions: want}}, s.uses); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", sql, diff)
		}
	}
}

func TestChain_republishedMessagesTriggerRules(t *testing.T) {
	s := &sink{}
	e := newEngine(t, s,
		rule(t, "first", "SELECT x FROM 'a'", republish("b/${clientid()}"), ""),
		rule(t, "second", "SELECT x, clientid() AS c FROM 'b/+'", republish("$$aws/rules/third/${clientid()}"), ""),
		rule(t, "third", "SELECT *", logs("g-${topic()}", false), ""))
	send(e, "a", `{"x": 1, "y": 2}`)
	if len(s.republished) != 1 || s.republished[0].Topic != "b/gw" {
		t.Errorf("got %+v, want b/gw handed to subscribers and basic ingest not", s.republished)
	}
	want := []logged{{"g-n/a", []rules.LogEvent{{Time: noon, Message: `{"x":1,"c":"n/a"}`}}}}
	if diff := cmp.Diff(want, s.logs, cmp.AllowUnexported(logged{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestChain_loopIsBounded(t *testing.T) {
	s := &sink{}
	e := newEngine(t, s, rule(t, "loop", "SELECT * FROM 'a'", republish("a"), ""))
	send(e, "a", `{}`)
	counts, last := e.Failures()
	want := rules.Counts{TopicMatch: rules.MaxHops + 1, Success: rules.MaxHops, Failure: 1, HopsExceeded: 1}
	if counts != want || len(s.republished) != rules.MaxHops || len(last) != 1 {
		t.Errorf("got %+v and %d republished, want %+v", counts, len(s.republished), want)
	}
}

func TestChain_fanOutIsBounded(t *testing.T) {
	s := &sink{}
	ten := strings.TrimSuffix(strings.Repeat(republish("a")+",", 10), ",")
	e := newEngine(t, s, rule(t, "flood", "SELECT * FROM 'a'", ten, republish("a")))
	send(e, "a", `{}`)
	counts, _ := e.Failures()
	if len(s.republished) != rules.MaxRepublished || counts.HopsExceeded == 0 {
		t.Errorf("got %d republished and %+v, want %d", len(s.republished), counts, rules.MaxRepublished)
	}
}

func TestRepublish_brokerFails(t *testing.T) {
	s := &sink{err: errors.New("closed")}
	e := newEngine(t, s, rule(t, "r", "SELECT * FROM '#'", republish("b"), ""))
	send(e, "a", `{}`)
	if counts, _ := e.Failures(); counts.Failure != 1 || counts.TopicMatch != 1 {
		t.Errorf("got %+v, want one failure and no chain", counts)
	}
}
