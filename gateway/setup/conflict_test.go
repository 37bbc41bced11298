package setup

import (
	"os"
	"strings"
	"testing"

	"piway/gateway/cloud"
	"piway/shared/config"
)

// taken is what CloudFormation says of names that are taken, behind an older attempt and a mere warning.
func taken(a *awsAccount) {
	event := func(operation, time, kind, id, name, mode string) map[string]string {
		return map[string]string{
			"EventType": "VALIDATION_ERROR", "OperationId": operation, "Timestamp": time, "ResourceType": kind,
			"LogicalResourceId": id, "ValidationFailureMode": mode, "ValidationStatus": "FAILED",
			"ValidationName":         "NAME_CONFLICT_VALIDATION",
			"ValidationStatusReason": "Resource of type '" + kind + "' with identifier '" + name + "' already exists.",
		}
	}
	a.Refused = map[string][]map[string]string{"piway": {
		event("1", "2026-11-01T10:00:00+00:00", "AWS::IoT::TopicRule", "Old", "old_rule", "FAIL"),
		event("2", "2026-11-02T10:00:00+00:00", "AWS::IoT::TopicRule", "MetricTopicRule", "piway_metric", "FAIL"),
		event("2", "2026-11-02T10:00:00+00:00", "AWS::Logs::LogGroup", "Documents", "/piway/metrics", "FAIL"),
		event("2", "2026-11-02T10:00:01+00:00", "AWS::S3::Bucket", "Bucket", "full", "WARN"),
		{"EventType": "STACK_EVENT", "OperationId": "3", "Timestamp": "2026-11-03T10:00:00+00:00"},
	}}
}

func TestSetup_nameTaken(t *testing.T) {
	b := newBench(t)
	account(t, b.aws, taken)
	err := b.setup("emf").run(t.Context())
	for _, want := range []string{
		"deploying the account's rules", "MetricTopicRule (AWS::IoT::TopicRule piway_metric)", "already exists",
		"aws iot delete-topic-rule --rule-name piway_metric; aws logs delete-log-group --log-group-name /piway/metrics",
		"run this again",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "old_rule") || strings.Contains(err.Error(), "full") {
		t.Errorf("got %v, want no older attempt and no warning", err)
	}
	// With the name free the same command goes on, over the stack that was never begun.
	account(t, b.aws, func(a *awsAccount) { a.Refused = nil })
	if err := b.setup("emf").run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	b.complete("emf")
}

// A tool of before that API knows no describe-events; what to do is told all the same.
func TestSetup_nameTaken_oldTool(t *testing.T) {
	b := newBench(t)
	account(t, b.aws, func(a *awsAccount) { taken(a); a.Old = true })
	err := b.setup("metric").run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "ResourceExistenceCheck") ||
		!strings.Contains(config.Hint(err), "exists already. A newer aws tool") {
		t.Errorf("got %v, want what to do", err)
	}
}

// Stacks that were never begun are left over by that, and hold nothing.
func TestRemove_neverBegun(t *testing.T) {
	b := ready(t)
	account(t, b.aws, func(a *awsAccount) {
		a.Stacks["piway"] = &awsStack{Status: "REVIEW_IN_PROGRESS"}
		a.Stacks["piway-gateway"] = &awsStack{Status: "REVIEW_IN_PROGRESS"}
		a.Certs = map[string]*awsCert{}
	})
	if err := b.removal().run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	b.gone()
}

// One of another gateway keeps nothing.
func TestRemove_anotherNeverBegun(t *testing.T) {
	b := ready(t)
	account(t, b.aws, func(a *awsAccount) {
		a.Stacks["piway-other"] = &awsStack{Status: "REVIEW_IN_PROGRESS", Tags: map[string]string{"piway": "gateway"}}
	})
	if err := b.removal().run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := account(t, b.aws, nil); a.Stacks["piway"] != nil {
		t.Error("the account's stack is still there")
	}
}

// AWS detaches in its own time, which is waited for and told.
func TestRemove_detachesLater(t *testing.T) {
	b := ready(t)
	account(t, b.aws, func(a *awsAccount) { a.Detaches = 4 })
	if err := b.removal().run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	b.gone()
	if !strings.Contains(b.out.String(), "five minutes") || !strings.Contains(b.out.String(), "DeleteConflictException") {
		t.Errorf("got\n%s\nwant what is waited for", &b.out)
	}
	b = ready(t)
	account(t, b.aws, func(a *awsAccount) { a.Detaches = 1000 })
	if err := b.removal().run(t.Context()); err == nil || !strings.Contains(err.Error(), "DeleteConflictException") {
		t.Errorf("got %v, want an end of the patience", err)
	}
}

// What is set up in one region is neither removed nor set up again in another by mistake.
func TestWalk_region(t *testing.T) {
	b := ready(t)
	calls := func(do func() error) []string {
		b.out.Reset()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		return strings.Split(b.out.String(), "\n")
	}
	for _, line := range calls(func() error { return b.setup("").run(t.Context()) }) {
		if strings.Contains(line, "$ aws") && !strings.Contains(line, "--region us-east-1") {
			t.Errorf("got %q, want the region of uplink.endpoint", line)
		}
	}
	text, err := os.ReadFile(certFile(b.dir, certEnd))
	if err != nil || cloud.CertificateRegion(text) != "us-east-1" {
		t.Errorf("got certificate %q, %v, want its region above", text, err)
	}
	account(t, b.aws, func(a *awsAccount) { delete(a.Stacks, "piway-gateway") }) // as another region would look
	r := b.removal()
	r.access.Region = "eu-west-1"
	if err := r.run(t.Context()); err == nil || config.Hint(err) != "--region us-east-1" {
		t.Errorf("removing: got %v, want the right region", err)
	}
	s := b.setup("metric")
	s.access.Region = "eu-west-1"
	if err := s.run(t.Context()); err == nil || !strings.Contains(config.Hint(err), "aws remove --region us-east-1") {
		t.Errorf("setting up: got %v, want the other region", err)
	}
	if _, err := os.Stat(certFile(b.dir, keyEnd)); err != nil {
		t.Errorf("the key is gone: %v", err)
	}
}
