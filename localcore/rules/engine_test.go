package rules_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/localcore/rules"
)

var noon = time.Unix(1763791440, 0)

// apply runs one rule over messages and returns what it put and the engine after it.
func apply(t *testing.T, rule *rules.Rule, messages ...rules.Message) ([]rules.Metric, *rules.Engine) {
	t.Helper()
	var got []rules.Metric
	put := func(_ time.Time, m rules.Metric) error { got = append(got, m); return nil }
	e, err := rules.New([]*rules.Rule{rule}, put, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		m.Time = noon
		e.Handle(m)
	}
	return got, e
}

func message(topic, payload string) rules.Message {
	return rules.Message{Topic: topic, ClientID: "gw", Payload: []byte(payload)}
}

func TestEngine_Handle_cloudwatchMetric(t *testing.T) {
	const payload = `{"name": "cpu usage (pi1)", "unit": "Percent", "value": "12.5 ", "timestamp": "1763791400", "device": "pi1"}`
	want := []rules.Metric{{Namespace: "RaspberryPi", Name: "cpu usage (pi1)", Unit: "Percent", Value: 12.5, Time: time.Unix(1763791400, 0)}}
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
		{"the rule, whatever its FROM", "$aws/rules/r/any/topic", ruleText(t), rules.Counts{TopicMatch: 1, Success: 1}},
		{"another rule", "$aws/rules/typo/any", ruleText(t), rules.Counts{RuleNotFound: 1}},
		{"disabled rule", "$aws/rules/r/any", ruleText(t, "false", "true"), rules.Counts{RuleNotFound: 1}},
		{"disabled rule by topic", "raspi/metrics", ruleText(t, "false", "true"), rules.Counts{}},
	} {
		_, e := apply(t, mustParse(t, "r", tc.rule), message(tc.topic, payload))
		if got, _ := e.Failures(); got != tc.want {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

func TestEngine_Handle_parseError(t *testing.T) {
	for _, payload := range []string{"", "hello", `{"name": }`, `{} {}`} {
		_, e := apply(t, mustParse(t, "r", ruleText(t)), message("raspi/metrics", payload))
		counts, last := e.Failures()
		if want := (rules.Counts{TopicMatch: 1, ParseError: 1}); counts != want || last != nil {
			t.Errorf("%q: got %+v %v, want %+v and no failures", payload, counts, last, want)
		}
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
		if want := (rules.Counts{TopicMatch: 1, Failure: 1}); counts != want || len(last) != 1 {
			t.Fatalf("%s: got %+v %v, want %+v and one failure", payload, counts, last, want)
		}
		f := last[0]
		if f.RuleName != "r" || f.Topic != "raspi/metrics" || f.ClientID != "gw" || f.Base64OriginalPayload == "" || len(f.Failures) != 1 {
			t.Errorf("%s: got %+v", payload, f)
		} else if a := f.Failures[0]; a.FailedAction != "CloudwatchMetricAction" || a.FailedResource != "n" || !strings.Contains(a.ErrorMessage, want) {
			t.Errorf("%s: got %+v, want %q in it", payload, a, want)
		}
	}
}

func TestEngine_Handle_failuresAreBoundedAndToldOnce(t *testing.T) {
	var log bytes.Buffer
	put := func(time.Time, rules.Metric) error { return errors.New("throttled") }
	e, err := rules.New([]*rules.Rule{mustParse(t, "r", ruleText(t))}, put, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	const n = rules.MaxFailures + 5
	for i := range n {
		e.Handle(message("raspi/metrics", fmt.Sprintf(`{"name": "n%d", "unit": "None", "value": 1, "timestamp": 1}`, i)))
	}
	counts, last := e.Failures()
	if counts.Failure != n || len(last) != rules.MaxFailures || last[len(last)-1].Failures[0].FailedResource != fmt.Sprintf("n%d", n-1) {
		t.Errorf("got %+v and %d kept, want %d failures, the newest %d kept", counts, len(last), n, rules.MaxFailures)
	}
	if got := strings.Count(log.String(), "level=WARN"); got != 1 {
		t.Errorf("got %d warnings, want 1:\n%s", got, log.String())
	}
}

func TestNew_refusesTwoRulesOfOneName(t *testing.T) {
	r := mustParse(t, "r", ruleText(t))
	if _, err := rules.New([]*rules.Rule{r, r}, nil, nil); err == nil || !strings.Contains(err.Error(), `rule "r": given twice`) {
		t.Errorf("got %v, want given twice", err)
	}
}
