package rules_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/localcore/rules"
)

var noon = time.Unix(1763791440, 0)

// A sink keeps what a rule's actions hand to AWS's services, and fails with err if it is set.
type sink struct {
	metrics     []rules.Metric
	logs        []logged
	republished []rules.Message // ClientID is the QoS
	notified    []string
	uses        []rules.Use
	err         error
}

type logged struct {
	group  string
	events []rules.LogEvent
}

func (s *sink) services() rules.Services {
	return rules.Services{
		PutMetric: func(_ time.Time, m rules.Metric) error { s.metrics = append(s.metrics, m); return s.err },
		PutLogs: func(_ time.Time, group string, events []rules.LogEvent) error {
			s.logs = append(s.logs, logged{group, events})
			return s.err
		},
		Republish: func(topic string, qos byte, payload []byte) error {
			s.republished = append(s.republished, rules.Message{
				Topic: topic, ClientID: strconv.Itoa(int(qos)),
				Payload: payload,
			})
			return s.err
		},
		Notify: func(target string, payload []byte) error {
			s.notified = append(s.notified, target+" "+string(payload))
			return s.err
		},
		Meter: func(u rules.Use) { s.uses = append(s.uses, u) },
	}
}

func newEngine(t *testing.T, s *sink, list ...*rules.Rule) *rules.Engine {
	t.Helper()
	e, err := rules.New(list, s.services(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// apply runs one rule over messages and returns what it put and the engine after it.
func apply(t *testing.T, rule *rules.Rule, messages ...rules.Message) ([]rules.Metric, *rules.Engine) {
	t.Helper()
	s := &sink{}
	e := newEngine(t, s, rule)
	for _, m := range messages {
		m.Time = noon
		e.Handle(m)
	}
	return s.metrics, e
}

func message(topic, payload string) rules.Message {
	return rules.Message{Topic: topic, ClientID: "gw", Payload: []byte(payload)}
}

func TestEngine_Handle_cloudwatchMetric(t *testing.T) {
	const payload = `{"name": "cpu usage (pi1)", "unit": "Percent", "value": "12.5 ", "timestamp": "1763791400", "device": "pi1"}`
	want := []rules.Metric{{
		Namespace: "RaspberryPi", Name: "cpu usage (pi1)", Unit: "Percent", Value: 12.5,
		Time: time.Unix(1763791400, 0),
	}}
	got, e := apply(t, mustParse(t, "r", ruleText(t)), message("raspi/metrics", payload), message("raspi/other", payload))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	counts, last := e.Failures()
	if want := (rules.Counts{TopicMatch: 1, Success: 1}); counts != want || last != nil {
		t.Errorf("got %+v %v, want %+v and no failures", counts, last, want)
	}
}

func TestEngine_Handle_withoutTimestampIsNow(t *testing.T) {
	rule := mustParse(t, "r", ruleText(t, `"metricTimestamp": "${timestamp}",`, ""))
	got, _ := apply(t, rule, message("raspi/metrics", `{"name": "n", "unit": "None", "value": 10.0}`))
	if len(got) != 1 || !got[0].Time.Equal(noon) || got[0].Value != 10 {
		t.Errorf("got %+v, want value 10 at %v", got, noon)
	}
}

func TestEngine_Handle_basicIngest(t *testing.T) {
	const payload = `{"name": "n", "unit": "None", "value": 1, "timestamp": 1763791400}`
	for _, tc := range []struct {
		name, topic string
		rule        []byte
		want        rules.Counts
	}{
		{"what FROM selects", "$aws/rules/r/raspi/metrics", ruleText(t), rules.Counts{TopicMatch: 1, Success: 1}},
		{"what FROM does not select", "$aws/rules/r/any/topic", ruleText(t), rules.Counts{NotSelected: 1}},
		{"nothing that FROM could select", "$aws/rules/r", ruleText(t), rules.Counts{NotSelected: 1}},
		{
			"FROM with a wildcard", "$aws/rules/r/raspi/metrics", ruleText(t, "raspi/metrics", "raspi/+"),
			rules.Counts{TopicMatch: 1, Success: 1},
		},
		{"without FROM", "$aws/rules/r/x", ruleText(t, " FROM 'raspi/metrics'", ""), rules.Counts{TopicMatch: 1, Success: 1}},
		{"without FROM by topic", "raspi/metrics", ruleText(t, " FROM 'raspi/metrics'", ""), rules.Counts{}},
		{"no name", "$aws/rules//x", ruleText(t), rules.Counts{RuleNotFound: 1}},
		{"another rule", "$aws/rules/typo/any", ruleText(t), rules.Counts{RuleNotFound: 1}},
		{"disabled rule", "$aws/rules/r/raspi/metrics", ruleText(t, "false", "true"), rules.Counts{RuleNotFound: 1}},
		{"disabled rule by topic", "raspi/metrics", ruleText(t, "false", "true"), rules.Counts{}},
	} {
		_, e := apply(t, mustParse(t, "r", tc.rule), message(tc.topic, payload))
		if got, _ := e.Failures(); got != tc.want {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

// What FROM does not select is acknowledged and dropped: that is counted with the rule, and told once.
func TestEngine_Handle_basicIngestNotSelected(t *testing.T) {
	var said strings.Builder
	e, err := rules.New([]*rules.Rule{mustParse(t, "r", ruleText(t))}, new(sink).services(),
		slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		e.Handle(message("$aws/rules/r/piway-gateway", "{}"))
	}
	if got := e.Rules()[0].Counts; got != (rules.Counts{NotSelected: 3}) {
		t.Errorf("got %+v, want 3 that were not selected", got)
	}
	if got := said.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "topic=$aws/rules/r/piway-gateway") ||
		!strings.Contains(got, "from=raspi/metrics") {
		t.Errorf("got the log %q, want topic and FROM, once", got)
	}
}

func TestEngine_Handle_payloadIsNotJSON(t *testing.T) {
	for _, payload := range []string{"", "hello", `{"name": }`, `{} {}`, "80"} {
		// SELECT * takes bytes, and the templates find nothing in them.
		_, e := apply(t, mustParse(t, "r", ruleText(t)), message("raspi/metrics", payload))
		counts, last := e.Failures()
		if want := (rules.Counts{TopicMatch: 1, ParseError: 1, Failure: 1, ErrorActionSuccess: 1}); counts != want ||
			len(last) != 1 {
			t.Errorf("%q: got %+v %v, want %+v and one failure", payload, counts, last, want)
		}
		_, e = apply(t, mustParse(t, "r", ruleText(t, "SELECT *", "SELECT name")), message("raspi/metrics", payload))
		counts, last = e.Failures()
		if want := (rules.Counts{TopicMatch: 1, ParseError: 1}); counts != want || last != nil {
			t.Errorf("%q: got %+v %v, want %+v and no failures", payload, counts, last, want)
		}
	}
}

func TestEngine_Handle_sqlErrorIsNotForTheErrorAction(t *testing.T) {
	_, e := apply(t, mustParse(t, "r", ruleText(t, "SELECT *", "SELECT *, 1 AS a")), message("raspi/metrics", "[1]"))
	counts, last := e.Failures()
	if want := (rules.Counts{TopicMatch: 1, SQLError: 1}); counts != want || last != nil {
		t.Errorf("got %+v %v, want %+v and no failures", counts, last, want)
	}
}

func TestEngine_Handle_keepsFailuresAsAWSReportsThem(t *testing.T) {
	for payload, want := range map[string]string{
		`{"name": "n", "unit": "None", "timestamp": 1763791400}`:                  `value "": not a number`,
		`{"name": "n", "unit": "None", "value": "x", "timestamp": 1763791400}`:    `value "x": not a number`,
		`{"name": "n", "unit": "None", "value": 1}`:                               `timestamp "": not whole Unix seconds`,
		`{"name": "n", "unit": "None", "value": 1, "timestamp": "1763791400.25"}`: `timestamp "1763791400.25": not whole`,
	} {
		_, e := apply(t, mustParse(t, "r", ruleText(t)), message("raspi/metrics", payload))
		counts, last := e.Failures()
		if want := (rules.Counts{TopicMatch: 1, Failure: 1, ErrorActionSuccess: 1}); counts != want || len(last) != 1 {
			t.Fatalf("%s: got %+v %v, want %+v and one failure", payload, counts, last, want)
		}
		f := last[0]
		if f.RuleName != "r" || f.Topic != "raspi/metrics" || f.ClientID != "gw" || f.Base64OriginalPayload == "" ||
			!f.Time.Equal(noon) || len(f.Failures) != 1 {
			t.Errorf("%s: got %+v", payload, f)
		} else if a := f.Failures[0]; a.FailedAction != "CloudwatchMetricAction" || a.FailedResource != "n" ||
			!strings.Contains(a.ErrorMessage, want) {
			t.Errorf("%s: got %+v, want %q in it", payload, a, want)
		}
	}
}

func TestEngine_Handle_failuresAreBoundedAndToldOnce(t *testing.T) {
	var log bytes.Buffer
	svc := (&sink{err: errors.New("throttled")}).services()
	e, err := rules.New([]*rules.Rule{mustParse(t, "r", ruleText(t))}, svc, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	const n = rules.MaxFailures + 5
	for i := range n {
		e.Handle(message("raspi/metrics", fmt.Sprintf(`{"name": "n%d", "unit": "None", "value": 1, "timestamp": 1}`, i)))
	}
	counts, last := e.Failures()
	if counts.Failure != n || len(last) != rules.MaxFailures ||
		last[len(last)-1].Failures[0].FailedResource != fmt.Sprintf("n%d", n-1) {
		t.Errorf("got %+v and %d kept, want %d failures, the newest %d kept", counts, len(last), n, rules.MaxFailures)
	}
	if got := strings.Count(log.String(), "level=WARN"); got != 2 {
		t.Errorf("got %d warnings, want one for the action and one for the error action:\n%s", got, log.String())
	}
}

func TestNew_refusesTwoRulesOfOneName(t *testing.T) {
	r := mustParse(t, "r", ruleText(t))
	if _, err := rules.New([]*rules.Rule{r, r}, new(sink).services(), nil); err == nil ||
		!strings.Contains(err.Error(), `rule "r": given twice`) {
		t.Errorf("got %v, want given twice", err)
	}
}

func TestEngine_Handle_timestampOfTheMessage(t *testing.T) {
	for template, want := range map[string]time.Time{
		"${floor(timestamp()/1000)}": noon,
		// milliseconds taken for seconds: a time that CloudWatch refuses
		"${timestamp()}": time.Unix(noon.UnixMilli(), 0),
	} {
		got, _ := apply(t, mustParse(t, "r", ruleText(t, "${timestamp}", template)),
			message("raspi/metrics", `{"name": "n", "unit": "None", "value": 1}`))
		if len(got) != 1 || !got[0].Time.Equal(want) {
			t.Errorf("%s: got %+v, want it at %v", template, got, want)
		}
	}
}
