package setup

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

const denied = "\nAn error occurred (AccessDenied) when calling the PutDashboard operation: User: arn:aws:iam::1:user/me is " +
	"not authorized to perform: cloudwatch:PutDashboard\n"

// A setup ends with a graph for each metric and a link to it. A second run leaves what the user made of it.
func TestSetup_dashboard(t *testing.T) {
	b := newBench(t)
	if err := b.setup("emf").run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var body struct{ Widgets []any }
	text := account(t, b.aws, nil).Boards["piway-us-east-1"]
	if err := json.Unmarshal([]byte(text), &body); err != nil || len(body.Widgets) != 6 {
		t.Errorf("got %v, %s, want a graph for each metric, one of messages and a note", err, text)
	}
	const link = "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards/dashboard/piway-us-east-1\n"
	b.shows(link, `--dashboard-body "$(piway-gateway aws print dashboard --region us-east-1 --config `)
	account(t, b.aws, func(a *awsAccount) { a.Boards["piway-us-east-1"] = "mine" })
	b.out.Reset()
	if err := b.setup("").run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := account(t, b.aws, nil).Boards["piway-us-east-1"]; got != "mine" {
		t.Errorf("got %s, want the user's own changes kept", got)
	}
	b.shows(link, "stays as it is")
}

// What is charged for is not made without a word of the user: where it is the fourth, or shows too many metrics.
func TestSetup_dashboard_charged(t *testing.T) {
	three := map[string]string{"a": "", "b": "", "c": ""}
	for _, c := range []struct {
		name    string
		boards  map[string]string
		devices int
		flag    string
		want    bool
		said    string
	}{
		{"the third", map[string]string{"a": "", "b": ""}, 11, BoardFree, true, "#dashboards/"},
		{"the fourth", three, 5, BoardFree, false, "3.00 USD a month: the account has 3, and 3 are free"},
		{"many devices", nil, 12, "", false, "it would show 51 metrics, and those with up to 50 are free"},
		{"the fourth, asked for", three, 5, BoardYes, true, "#dashboards/"},
		{"none, asked for", nil, 5, BoardNo, false, "--dashboard yes makes one"},
	} {
		b := newBench(t)
		account(t, b.aws, func(a *awsAccount) {
			for name := range c.boards {
				a.Boards[name] = ""
			}
		})
		s := b.setup("metric")
		s.asked.Devices, s.asked.Dashboard = c.devices, c.flag
		if err := s.run(t.Context()); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if _, made := account(t, b.aws, nil).Boards["piway-us-east-1"]; made != c.want {
			t.Errorf("%s: made %t, want %t", c.name, made, c.want)
		}
		b.shows(c.said)
	}
	// An upgrade, at a terminal: a set-up of before there were dashboards is not even asked.
	b := newBench(t)
	s := b.setup("metric")
	s.asked.Dashboard = BoardNo
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	account(t, b.aws, func(a *awsAccount) { a.Boards = three })
	s = b.setup("")
	b.answer(s.walk, "yes")
	if err := s.run(t.Context()); err != nil || b.answered > 0 {
		t.Errorf("got %v and %d questions, want none", err, b.answered)
	}
	if got := account(t, b.aws, nil).Boards; len(got) != 3 {
		t.Errorf("got dashboards %v, want no charge by an upgrade", got)
	}
}

// A dashboard is a picture: without it the gateway is set up all the same, and why is told.
func TestSetup_dashboard_denied(t *testing.T) {
	for _, call := range []string{"cloudwatch list-dashboards", "cloudwatch put-dashboard"} {
		b := newBench(t)
		account(t, b.aws, func(a *awsAccount) { a.Fail = map[string]awsFailure{call: {254, denied}} })
		if err := b.setup("metric").run(t.Context()); err != nil {
			t.Fatalf("%s: %v", call, err)
		}
		b.complete("metric")
		b.shows("none: aws "+call, "cloudwatch:PutDashboard", "all else is done. For a dashboard: credentials that may")
		if strings.Contains(b.out.String(), "#dashboards/") {
			t.Errorf("%s: got a link to nothing", call)
		}
	}
	b := newBench(t)
	s := b.setup("metric")
	ctx, cancel := context.WithCancel(t.Context())
	s.before = func(step string) {
		if strings.Contains(step, "dashboard") {
			cancel()
		}
	}
	if err := s.run(ctx); err == nil || !strings.Contains(err.Error(), "interrupted while making the dashboard") {
		t.Errorf("got %v, want an interruption to be one", err)
	}
	cancel()
	if err := b.setup("").run(t.Context()); err != nil || len(account(t, b.aws, nil).Boards) != 1 {
		t.Errorf("got %v and %v, want the next run to make it", err, account(t, b.aws, nil).Boards)
	}
}

// Removed with the account's rules, kept with them for another gateway, and no reason to stop.
func TestRemove_dashboard(t *testing.T) {
	b := ready(t)
	account(t, b.aws, func(a *awsAccount) { a.Boards["mine"] = "" })
	if err := b.removal().run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := account(t, b.aws, nil).Boards; len(got) != 1 {
		t.Errorf("got %v, want only the other one", got)
	}
	b.gone()
	b = ready(t)
	account(t, b.aws, func(a *awsAccount) {
		a.Stacks["piway-other"] = &awsStack{Status: "CREATE_COMPLETE", Tags: map[string]string{"piway": "gateway"}}
	})
	if err := b.removal().run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := account(t, b.aws, nil).Boards; len(got) != 1 {
		t.Errorf("got %v, want it kept for the other gateway", got)
	}
	b = ready(t)
	account(t, b.aws, func(a *awsAccount) {
		a.Fail = map[string]awsFailure{"cloudwatch delete-dashboards": {254, denied}}
	})
	if err := b.removal().run(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.gone()
	b.shows("piway-us-east-1 is left")
}
