//go:build aws

package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/feedback"
	"piway/gateway/settings"
	"piway/shared/backoff"
	"piway/shared/mqttlink"
)

// liveAnswers says where TestLive_answers asks: "localcore" for one of its own, "account" for the account that the aws
// tool is logged in to. Nothing is asked without it.
const liveAnswers = "PIWAY_AWS_LIVE"

// TestLive_answers asks what AWS's documents leave open, and compares with what piway-localcore does; docs/aws.md says
// what each answer would change. In an account it makes objects of its own, named piway_live…, and deletes them. No
// metric is made: an answer is what the rule's error action reports. It takes some ten minutes, most of them for roles
// and policies to spread, and costs less than a cent:
//
//	PIWAY_AWS_LIVE=account go test -tags aws -run TestLive_answers -timeout 50m -v ./gateway/gateway
func TestLive_answers(t *testing.T) {
	at := os.Getenv(liveAnswers)
	if at == "" {
		t.Skipf("no AWS account to ask: set %s to account, or to localcore", liveAnswers)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 45*time.Minute)
	defer cancel()
	l := &inquiry{t: t}
	switch at {
	case "localcore":
		l.core()
	case "account":
		l.account(ctx)
	default:
		t.Fatalf("%s=%q: must be account or localcore", liveAnswers, at)
	}
	l.ready(ctx)
	for _, q := range l.questions() {
		t.Run(q.name, func(t *testing.T) {
			got, err := l.ask(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("answer: %s", got)
			if kept := l.kept(ctx, q); kept != "" {
				t.Logf("in the log group: %s", kept)
			}
			if kind, _, _ := strings.Cut(got, ":"); kind != q.want {
				t.Errorf("got %q, and piway-localcore has %q: see docs/aws.md, What a real account would tell", got, q.want)
			}
		})
	}
}

// An inquiry is what is asked, and how.
type inquiry struct {
	t     *testing.T
	names [2]cloud.Names // of the forms metric and emf, with one client id
	cfg   settings.Config
	wait  time.Duration // for a report
	pause time.Duration // between two CONNECTs: AWS takes one of a client id every ten seconds
	conn  *mqttlink.Link
	came  chan feedback.Failure // the reports on conn
	// events returns the messages in the log group; nil where it cannot be looked into.
	events func(ctx context.Context) (string, error)
}

// liveNames are the names of both forms, for a run.
func liveNames(run, account, region string) (both [2]cloud.Names) {
	for i, form := range []string{cloud.Metric, cloud.EMF} {
		both[i] = cloud.Names{
			Account: account, Region: region, ClientID: "piway-live-" + run, Form: form, Rule: "piway_live_" + run + "_" + form,
			Namespace: "PiwayLive", ErrorsTopic: "piway/live/errors", LogGroup: "/piway/live/" + run,
		}
	}
	return both
}

// A question is a message, and what piway-localcore does with it: report, none or closed.
type question struct {
	name, topic string
	payload     []byte
	want        string
	good        bool // a good event is in it
}

func (l *inquiry) questions() []question {
	metric, emf := &l.names[0], &l.names[1]
	now := time.Now()
	batch := func(name string, events ...string) []byte {
		good := fmt.Sprintf(`{"timestamp":%d,"message":"good beside %s"}`, now.UnixMilli(), name)
		return []byte(`{"samples":{},"batch":[` + strings.Join(append(events, good), ",") + `]}`)
	}
	old := fmt.Sprintf(`{"timestamp":%d,"message":"old"}`, now.Add(-15*24*time.Hour).UnixMilli())
	number := fmt.Sprintf(`{"timestamp":%d,"message":5}`, now.Add(-time.Second).UnixMilli())
	former, _ := metric.Former()
	return []question{
		{"matching FROM", metric.DataTopic(), canaryMetric(now), "report", false},
		{"other FROM", former, canaryMetric(now.Add(time.Second)), "none", false},
		{"EMF canary", emf.DataTopic(), canaryEMF(now), "report", false},
		{"bad element", emf.DataTopic(), batch("bad element", number), "report", true},
		{"event of 15 days", emf.DataTopic(), batch("event of 15 days", old), "none", true},
		{"good batch", emf.DataTopic(), batch("good batch"), "none", true},
		{"denied topic", "piway/live/denied", []byte(`{}`), "closed", false}, // the last: it ends the connection
	}
}

// connect makes sure of a connection on which reports are heard.
func (l *inquiry) connect(ctx context.Context) error {
	if l.conn != nil && l.conn.Err() == nil {
		return nil
	}
	if l.conn != nil {
		l.conn.Close()
		if err := backoff.Sleep(ctx, l.pause); err != nil {
			return err
		}
	}
	link, err := uplinkConfig(&l.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	shown, err := link.TLS(time.Now())
	if err != nil {
		return err
	}
	if l.conn, err = mqttlink.Connect(ctx, mqttlink.Options{
		Broker: link.Broker, ClientID: l.names[0].ClientID, TLS: shown,
	}); err != nil {
		l.conn = nil
		return err
	}
	l.t.Cleanup(l.conn.Close)
	came := make(chan feedback.Failure, 100)
	l.came = came
	return l.conn.Subscribe(ctx, l.names[0].ErrorTopics()[0], func(_ string, payload []byte) {
		if f, err := feedback.Parse(payload); err == nil {
			came <- f
		}
	})
}

// ready waits until both rules answer: AWS says a few minutes of policies, and is as slow with roles.
func (l *inquiry) ready(ctx context.Context) {
	l.t.Helper()
	for _, q := range []int{0, 2} {
		for {
			got, err := l.ask(ctx, l.questions()[q])
			if strings.HasPrefix(got, "report") && !strings.Contains(got, "assume") && !strings.Contains(got, "authorized") {
				break
			}
			l.t.Logf("not ready yet: %s %v", got, err)
			if backoff.Sleep(ctx, l.pause) != nil {
				l.t.Fatal("the rules never answered")
			}
		}
	}
}

// ask publishes a question, and returns "report: WORDS", "none" or "closed: WHY".
func (l *inquiry) ask(ctx context.Context, q question) (string, error) {
	if err := l.connect(ctx); err != nil {
		return "", err
	}
	conn := l.conn
	d := conn.Publish(q.topic, q.payload)
	timer := time.NewTimer(l.wait)
	defer timer.Stop()
	acknowledged := d.Done()
	for {
		select {
		case <-conn.Lost():
			return fmt.Sprintf("closed: %v", conn.Err()), nil
		case <-acknowledged:
			acknowledged = nil
			if err := d.Err(); err != nil && conn.Err() == nil {
				return "", err
			}
		case f := <-l.came:
			if string(f.Payload) == string(q.payload) {
				return fmt.Sprintf("report: %s: %s (%s)", f.Action, f.Message, f.Reason), nil
			}
		case <-timer.C:
			if acknowledged != nil {
				return "", errors.New("no PUBACK")
			}
			return "none", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// kept is whether the good event of a question is in the log group, "" if it has none or that cannot be told.
func (l *inquiry) kept(ctx context.Context, q question) string {
	if l.events == nil || !q.good {
		return ""
	}
	all, err := l.events(ctx)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%q is there: %t", "good beside "+q.name, strings.Contains(all, "good beside "+q.name))
}
