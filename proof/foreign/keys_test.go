package foreign_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/gateway/cloud"
	"piway/gateway/settings"
	"piway/gateway/setup"
)

// commandsOf returns the commands that a text of docs has behind a line, up to the next heading.
func commandsOf(t *testing.T, file, behind string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs", file))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := bytes.Cut(text, []byte(behind))
	if !found {
		t.Fatalf("%s has no %q", file, behind)
	}
	text, _, _ = bytes.Cut(text, []byte("\n#"))
	return blocksOf(string(text))
}

// blocksOf are the lines of a text that are indented, or stand between fences.
func blocksOf(text string) string {
	var b strings.Builder
	fenced := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			fenced = !fenced
		case fenced, strings.HasPrefix(line, "    "):
			b.WriteString(strings.TrimLeft(line, " "))
		}
	}
	return b.String()
}

// madePlainly is a gateway whose certificate the plain commands have made.
func madePlainly(t *testing.T, a *account) (certs, arn string) {
	t.Helper()
	cfg := settings.Default()
	certs = filepath.Join(a.dir, "certs")
	cfg.Data.Dir, cfg.Uplink.Certs.Dir, cfg.Uplink.Rule = t.TempDir(), certs, cloud.Default().Rule
	if err := setup.Request(&cfg, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	return certs, a.plain(&cfg, cloud.Metric)
}

// statuses are those of all certificates, by id.
func (a *account) statuses() map[string]string {
	a.t.Helper()
	var of struct {
		Certificates []struct{ CertificateID, Status string }
	}
	a.reads("iot/certificates", &of)
	by := map[string]string{}
	for _, c := range of.Certificates {
		by[c.CertificateID] = c.Status
	}
	return by
}

// What docs/aws.md says of a certificate that setup did not make: a second one with the same policy, then the old one
// is inactive.
func TestAWS_renewByHand(t *testing.T) {
	a := newAccount(t)
	certs, old := madePlainly(t, a)
	script := commandsOf(t, "aws.md", "### A certificate that setup did not make")
	if strings.Count(script, "aws iot ") != 4 {
		t.Fatalf("got other commands than are looked at:\n%s", script)
	}
	a.runs(strings.ReplaceAll(script, "/etc/piway/certs", certs))
	all := a.statuses()
	if len(all) != 2 {
		t.Fatalf("got certificates %v", all)
	}
	for id, status := range all {
		want := "ACTIVE"
		if strings.HasSuffix(old, "/"+id) {
			want = "INACTIVE"
		}
		arn := old[:strings.LastIndex(old, "/")+1] + id
		policies := a.runs("aws iot list-attached-policies --query policies[].policyName --output text --target " + arn)
		if status != want || policies != "piway-gateway\n" {
			t.Errorf("%.8s is %s with the policies %q, want %s", id, status, policies, want)
		}
	}
	for _, name := range []string{"new-private.pem.key", "new-certificate.pem.crt", "AmazonRootCA1.pem"} {
		if _, err := os.Stat(filepath.Join(certs, "renewal", name)); err != nil {
			t.Error(err)
		}
	}
}

// What docs/security.md says of a gateway that is stolen: both ways to find its certificates, with and without a stack.
func TestAWS_stolen(t *testing.T) {
	a := newAccount(t)
	_, arn := madePlainly(t, a)
	id := arn[strings.LastIndex(arn, "/")+1:]
	other := strings.TrimSpace(a.runs("aws iot create-keys-and-certificate --set-as-active --query certificateId --output text"))
	body, err := json.Marshal(map[string]any{ // moto's stacks hold no certificates, but can name them
		"Resources": map[string]any{"Topic": map[string]string{"Type": "AWS::SNS::Topic"}},
		"Outputs":   map[string]any{"CertificateId": value(id), "CertificateId2": value(other), "Id": value("x")},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.runs(fmt.Sprintf("aws cloudformation create-stack --stack-name piway-gateway --template-body '%s'", body))
	script := commandsOf(t, "security.md", "## When the gateway is stolen")
	stack, plain, found := strings.Cut(script, "done\n")
	plain, _, more := strings.Cut(plain, "done\n")
	if !found || !more || !strings.Contains(stack, "describe-stacks") || !strings.Contains(plain, "list-targets-for-policy") {
		t.Fatalf("got other commands than are looked at:\n%s", script)
	}
	a.runs(stack + "done\n")
	for id, status := range a.statuses() {
		if status != "INACTIVE" {
			t.Errorf("by the stack: %.8s is %s", id, status)
		}
	}
	a.runs("aws iot update-certificate --new-status ACTIVE --certificate-id " + id)
	a.runs(plain + "done\n")
	if got := a.statuses()[id]; got != "INACTIVE" {
		t.Errorf("by the policy: it is %s", got)
	}
}

func value(text string) map[string]string { return map[string]string{"Value": text} }
