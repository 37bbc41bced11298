package foreign_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/cloud"
	"piway/gateway/settings"
	"piway/gateway/setup"
	"piway/proof/world"
)

// What `aws print cli` writes makes all that a gateway needs, in an account that the real aws tool speaks to; the
// commands of docs/aws.md take all of it away again, and then there is room for the other form.
func TestAWS_plainCommands(t *testing.T) {
	a := newAccount(t)
	cfg := settings.Default()
	cfg.Data.Dir, cfg.Uplink.Certs.Dir, cfg.Uplink.Rule = t.TempDir(), filepath.Join(a.dir, "certs"), cloud.Default().Rule
	if err := setup.Request(&cfg, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	a.runs(undoing(t, a.plain(&cfg, cloud.Metric)))
	for _, service := range []string{
		"iot/rules", "iot/policies", "iot/certificates", "iot/things", "iam ListRoles",
		"sns ListTopics", "monitoring DescribeAlarms",
	} {
		if left := a.says(service); strings.Contains(left, "piway") || strings.Contains(left, "arn:") {
			t.Errorf("docs/aws.md does not undo all, %s is left with %s", service, left)
		}
	}
	a.plain(&cfg, cloud.EMF)
	if got := a.runs("aws logs describe-log-groups --query 'logGroups[].[logGroupName,retentionInDays]' --output text"); got != "/piway/metrics\t14\n" {
		t.Errorf("got log groups %q", got)
	}
}

// plain runs the commands of a form, looks at what they made and returns the certificate's ARN.
func (a *account) plain(cfg *settings.Config, form string) string {
	a.t.Helper()
	var script bytes.Buffer
	if err := setup.Print(cfg, setup.Printing{What: "cli", Form: form}, &script); err != nil {
		a.t.Fatal(err)
	}
	if out := a.runs(script.String()); !strings.HasSuffix(out, "-ats.iot.us-east-1.amazonaws.com\n") {
		a.t.Errorf("%s: got no endpoint at the end:\n%s", form, out)
	}
	n := cfg.Cloud().For(form)
	n.Account, n.Region = cloud.Default().Account, cloud.Default().Region // moto's account has this number
	for name, text := range n.Rules() {
		a.rule(name, text)
	}
	var policy struct{ PolicyDocument string }
	a.reads("iot/policies/"+n.GatewayStack(), &policy)
	if diff := cmp.Diff(decoded(a.t, n.Policy()), decoded(a.t, []byte(policy.PolicyDocument))); diff != "" {
		a.t.Errorf("%s: policy: %s", form, diff)
	}
	const topic = "arn:aws:sns:us-east-1:123456789012:piway-alerts"
	if got := a.says("sns ListTopics"); !strings.Contains(got, ">"+topic+"<") {
		a.t.Errorf("%s: got topics %s", form, got)
	}
	if got := a.says("monitoring DescribeAlarms"); strings.Count(got, ">"+topic+"<") != 2 ||
		!strings.Contains(got, ">piway-"+form+"-stopped<") {
		a.t.Errorf("%s: got alarms %s", form, got)
	}
	return a.certificate(n)
}

// certificate looks at what the policy and the thing are attached to.
func (a *account) certificate(n cloud.Names) (arn string) {
	a.t.Helper()
	var of struct {
		Principals   []string
		Certificates []struct{ CertificateID, Status string }
	}
	a.reads("iot/things/"+n.ThingName()+"/principals", &of)
	a.reads("iot/certificates", &of)
	if len(of.Principals) != 1 || len(of.Certificates) != 1 || of.Certificates[0].Status != "ACTIVE" {
		a.t.Fatalf("got %+v, want an active certificate of a thing", of)
	}
	arn = of.Principals[0]
	var is struct {
		CertificateDescription struct{ CertificateArn, CertificatePem string }
	}
	a.reads("iot/certificates/"+of.Certificates[0].CertificateID, &is)
	file, err := os.ReadFile(filepath.Join(a.dir, "certs", "piway-gateway-certificate.pem.crt"))
	if got := is.CertificateDescription; err != nil || got.CertificateArn != arn || got.CertificatePem != string(file) {
		a.t.Errorf("got %+v, want %s and what is beside the key: %v\n%s", got, arn, err, file)
	}
	if got := a.runs("aws iot list-attached-policies --query policies[].policyName --output text --target " +
		arn); got != n.GatewayStack()+"\n" {
		a.t.Errorf("the certificate has the policies %q", got)
	}
	return arn
}

// rule looks at a rule and at the roles that it takes.
func (a *account) rule(name string, text []byte) {
	a.t.Helper()
	var got struct{ Rule map[string]any }
	a.reads("iot/rules/"+name, &got)
	want := decoded(a.t, text).(map[string]any)
	for member := range want {
		if diff := cmp.Diff(want[member], got.Rule[member]); diff != "" {
			a.t.Errorf("%s: %s: %s", name, member, diff)
		}
	}
	roles := a.says("iam ListRoles")
	for _, role := range regexp.MustCompile(`arn:aws:iam::\d+:role/([\w-]+)`).FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(roles, ">"+role[0]+"<") {
			a.t.Errorf("%s: takes the role %s, and there are %s", name, role[0], roles)
		}
		if got := a.says("iam ListRolePolicies&RoleName=" + role[1]); !strings.Contains(got, ">piway<") {
			a.t.Errorf("%s: its role %s has the policies %s", name, role[0], got)
		}
	}
}

func decoded(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// undoing returns the commands of docs/aws.md that take away what was made in the metric form.
func undoing(t *testing.T, certificate string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ = bytes.Cut(text, []byte("Undo the plain commands"))
	var b strings.Builder
	for line := range strings.Lines(blocksOf(string(text))) {
		if !strings.Contains(line, "# only after the form emf") {
			b.WriteString(strings.Replace(line, "arn:aws:iot:us-east-1:123456789012:cert/…", certificate, 1))
		}
	}
	if !strings.Contains(b.String(), certificate) {
		t.Fatal("docs/aws.md has no place for the certificate")
	}
	return b.String()
}

// An account is of moto's: AWS's API on this machine, by the real aws tool. Moto keeps rules, policies and roles as
// they are given, and checks their form. It reads no SQL and no policy, runs no rule, lets everybody do everything, and
// makes a certificate for a key of its own. Of the stacks it knows neither rules, certificates nor attachments, so the
// templates are cfn-lint's alone (configs/aws).
type account struct {
	t          *testing.T
	bash, moto string
	dir        string
	env        []string
}

// newAccount starts an empty one, to which nothing of the caller's login goes.
func newAccount(t *testing.T) *account {
	t.Helper()
	if !world.Long() {
		t.Skip("starts the aws tool fifty times, which takes half a minute: with PIWAY_LONG=1 only")
	}
	world.Tool(t, "aws")
	a := &account{t: t, bash: world.Tool(t, "bash"), moto: moto(t), dir: t.TempDir()}
	none := filepath.Join(a.dir, "none")
	a.env = append(slices.DeleteFunc(os.Environ(), func(set string) bool { return strings.HasPrefix(set, "AWS_") }),
		"AWS_ENDPOINT_URL="+a.moto, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE="+none, "AWS_SHARED_CREDENTIALS_FILE="+none, "TMPDIR="+a.dir)
	return a
}

// moto starts moto's server and returns its address.
func moto(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, world.Tool(t, "moto_server"), "-H", "127.0.0.1", "-p", "0")
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	address, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(said); lines.Scan(); { // to the end: it says each request
			if _, at, found := strings.Cut(lines.Text(), "Running on "); found {
				address <- at
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = cmd.Wait() // it was killed
	})
	select {
	case at := <-address:
		return at
	case <-ended:
		t.Fatal("moto_server did not start")
		return ""
	}
}

// runs pastes commands into bash. Here nothing has to be waited for.
func (a *account) runs(script string) string {
	a.t.Helper()
	cmd := exec.CommandContext(a.t.Context(), a.bash, "-e")
	cmd.Env, cmd.Stdin = a.env, strings.NewReader("sleep() { :; }\n"+script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		a.t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return string(out)
}

// says returns what moto answers, which looks at no signature: "iot/PATH" is a GET, "SERVICE ACTION" a query of AWS's
// older kind.
func (a *account) says(what string) string {
	a.t.Helper()
	method, service, path, body := http.MethodGet, "iot", strings.TrimPrefix(what, "iot"), ""
	if older, action, ok := strings.Cut(what, " "); ok {
		method, service, path, body = http.MethodPost, older, "/", "Action="+action
	}
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.moto+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/"+service+
		"/aws4_request, SignedHeaders=host, Signature=b")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // read to its end
	if err != nil || resp.StatusCode != http.StatusOK {
		a.t.Fatalf("%s: %s, %v: %s", what, resp.Status, err, text)
	}
	return string(text)
}

func (a *account) reads(what string, into any) {
	a.t.Helper()
	if text := a.says(what); json.Unmarshal([]byte(text), into) != nil {
		a.t.Fatalf("%s: %s", what, text)
	}
}
