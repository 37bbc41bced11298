package foreign_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/gateway/cloud"
	"piway/gateway/settings"
	"piway/gateway/setup"
)

// The dashboard that setup makes, by its own command, in the words of the real tool and of moto's CloudWatch; and what
// setup reads of their answers.
func TestAWS_dashboard(t *testing.T) {
	a := newAccount(t)
	cfg := settings.Default()
	var body bytes.Buffer
	if err := setup.Print(&cfg, setup.Printing{What: "dashboard", Metrics: cloud.DashboardMetrics}, &body); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "dashboard.json"), body.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	a.runs("aws cloudwatch put-dashboard --dashboard-name piway-us-east-1 --dashboard-body \"$(cat " +
		filepath.Join(a.dir, "dashboard.json") + ")\"")
	var list struct {
		DashboardEntries []struct{ DashboardName string }
	}
	said := a.runs("aws cloudwatch list-dashboards --output json")
	if err := json.Unmarshal([]byte(said), &list); err != nil || len(list.DashboardEntries) != 1 ||
		list.DashboardEntries[0].DashboardName != "piway-us-east-1" {
		t.Errorf("got %s, %v, want the name where setup looks for it", said, err)
	}
	kept := a.runs("aws cloudwatch get-dashboard --dashboard-name piway-us-east-1 --query DashboardBody --output text")
	var want, got any
	if json.Unmarshal(body.Bytes(), &want) != nil || json.Unmarshal([]byte(kept), &got) != nil {
		t.Errorf("got %s, want the body", kept)
	}
	a.runs("aws cloudwatch delete-dashboards --dashboard-names piway-us-east-1")
	said = a.runs("aws cloudwatch delete-dashboards --dashboard-names piway-us-east-1 2>&1 || true")
	if !strings.Contains(said, "NotFound") {
		t.Errorf("got %s, want what aws remove takes for none", said)
	}
}
