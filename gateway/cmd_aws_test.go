package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	awsfiles "piway/configs/aws"
	"piway/shared/config"
)

// awsRun runs the command line with a configuration of these lines.
func awsRun(t *testing.T, dir, lines string, args ...string) (string, error) {
	t.Helper()
	path := filepath.Join(dir, "gateway.yaml")
	text := lines + "\ndata: {dir: " + dir + "}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := run(t.Context(), append(append([]string{"aws"}, args...), "--config", path), &out)
	return out.String(), err
}

func TestAWSPrint(t *testing.T) {
	direct := "uplink: {rule: piway_metric, endpoint: abc-ats.iot.us-east-1.amazonaws.com:443}"
	for _, c := range []struct{ name, lines, args, want string }{
		{"rule", direct, "rule --account 123456789012", string(awsfiles.MetricRule)},
		{"emf rule", direct, "rule --form emf", string(awsfiles.EMFRule)},
		{"errors", direct, "errors-rule", string(awsfiles.ErrorsRule)},
		{"policy", direct, "policy", string(awsfiles.Policy)},
		{"template", direct, "template", string(awsfiles.AccountTemplate)},
		{"gateway's template", direct, "gateway-template", string(awsfiles.GatewayTemplate)},
	} {
		got, err := awsRun(t, t.TempDir(), c.lines, append([]string{"print"}, strings.Fields(c.args)...)...)
		if err != nil || got != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	for _, c := range []struct{ name, lines, args, want string }{
		{
			"site and region", "site: home\nuplink: {endpoint: abc-ats.iot.eu-west-1.amazonaws.com}",
			"policy --account 123456789012", `arn:aws:iot:eu-west-1:123456789012:client/piway-gateway-home"`,
		},
		{"topic", "uplink: {topic: a/b}", "rule --region cn-north-1", "FROM 'a/b'"},
		{"namespace", "uplink: {namespace: Home Pis}", "rule", `"Home Pis"`},
		{"errors topic", "uplink: {errors_topic: e}", "errors-rule", "'e/+'"},
	} {
		got, err := awsRun(t, t.TempDir(), c.lines, append([]string{"print"}, strings.Fields(c.args)...)...)
		if err != nil || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, %v, want %q in it", c.name, got, err, c.want)
		}
	}
	for _, c := range [][2]string{
		{"uplink: {topic: a/'b}", "policy"},
		{"uplink: {errors_topic: a/*}", "policy"},
		{"", "policy --account 12"},
		{"", "cli --region $(id)"},
	} {
		if got, err := awsRun(t, t.TempDir(), c[0], append([]string{"print"}, strings.Fields(c[1])...)...); err == nil {
			t.Errorf("%q, %s: got %q, want a refusal", c[0], c[1], got)
		}
	}
	_, err := awsRun(t, t.TempDir(), "uplink: {client_id: "+strings.Repeat("c", 110)+", rule: "+strings.Repeat("r", 128)+
		", errors_topic: "+strings.Repeat("e", 120)+"}", "print", "policy")
	if err == nil || !strings.Contains(err.Error(), "AWS takes 2048") {
		t.Errorf("got %v, want a policy that is too long refused", err)
	}
}

// One for all devices, in each form, with the very body that setup makes.
func TestAWSPrint_dashboard(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"metric", "", `SEARCH('Namespace=\"RaspberryPi\" MetricName=cpu MetricName=usage', 'Average', 60)`},
		{"a longer window", "rollup: {window: 5m}", `MetricName=usage', 'Average', 300)`},
		{"namespace", "uplink: {form: emf, namespace: My Pis}", `Namespace=\"My Pis\" MetricName=disk MetricName=usage'`},
		{"region", "uplink: {endpoint: abc-ats.iot.eu-west-1.amazonaws.com}", `"region":"eu-west-1"`},
	} {
		got, err := awsRun(t, t.TempDir(), c.lines, "print", "dashboard")
		if err != nil {
			t.Fatal(err)
		}
		var flat bytes.Buffer
		if err := json.Compact(&flat, []byte(got)); err != nil || !strings.Contains(flat.String(), c.want) {
			t.Errorf("%s: got %s, %v, want %s in it", c.name, got, err, c.want)
		}
	}
	got, err := awsRun(t, t.TempDir(), "", "print", "dashboard", "--metrics", "undervoltage seconds")
	if err != nil || !strings.Contains(got, "MetricName=undervoltage MetricName=seconds") || strings.Contains(got, "cpu") {
		t.Errorf("got %s, %v, want the metrics that were asked for", got, err)
	}
}

func TestAWSCSR(t *testing.T) {
	dir := t.TempDir()
	certs := filepath.Join(dir, "certs")
	for range 2 { // the second finds all there
		out, err := awsRun(t, dir, "uplink: {certs: {dir: "+certs+"}}", "csr")
		if err != nil || !strings.Contains(out, filepath.Join(certs, "piway-gateway.csr.pem")) {
			t.Fatalf("got %q, %v", out, err)
		}
	}
	entries, err := os.ReadDir(certs)
	if err != nil || len(entries) != 6 {
		t.Errorf("got %v, %v, want key, request and four roots", entries, err)
	}
	if err := os.WriteFile(filepath.Join(certs, "abc-private.pem.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := awsRun(t, dir, "uplink: {certs: {dir: "+certs+"}}", "csr"); err == nil ||
		!strings.Contains(err.Error(), "uplink.certs.dir") {
		t.Errorf("got %v, want a folder with another key refused", err)
	}
}

// The printed script is bash that runs as it is, whatever the names are; each file that a command reads is there.
func TestAWSPrint_cli(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	const tool = `#!/bin/sh
for a; do case "$a" in file://*) test -s "${a#file://}" || { echo "no ${a#file://}" >&2; exit 252; }
  case "$a" in *.json) grep -q @ACCOUNT@ "${a#file://}" && exit 99;; esac;; esac; done
printf '%s|' "$@" >>"$LOG"; echo >>"$LOG"
case "$*" in *"query Account"*) echo 111122223333;; *"configure get region"*) echo eu-west-3;; *certificateArn*) echo arn:cert/1;; esac
`
	for _, c := range []struct{ name, lines, form, want string }{
		{
			"metric", "uplink: {namespace: 'a # b', certs: {dir: DIR}}", "metric",
			"iot|create-topic-rule|--rule-name|piway_metric|--topic-rule-payload|file://rule.json|",
		},
		{
			"emf", "uplink: {certs: {dir: DIR}}", "emf",
			"logs|put-retention-policy|--log-group-name|/piway/metrics|--retention-in-days|14|",
		},
		{
			"odd folder", "uplink: {certs: {dir: \"DIR/it's \\\"$(touch boom)\"}}", "metric",
			"iot|attach-policy|--policy-name|piway-gateway|--target|arn:cert/1|",
		},
	} {
		dir := t.TempDir()
		lines := strings.ReplaceAll(c.lines, "DIR", filepath.Join(dir, "certs"))
		if _, err := awsRun(t, dir, lines, "csr"); err != nil {
			t.Fatal(err)
		}
		script, err := awsRun(t, dir, lines, "print", "cli", "--form", c.form)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(tool), 0o700); err != nil {
			t.Fatal(err)
		}
		log := filepath.Join(dir, "log")
		cmd := exec.Command(bash)
		cmd.Dir = dir
		cmd.Stdin = strings.NewReader(strings.Replace(script, "sleep 15", "", 1))
		cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), "LOG="+log, "TMPDIR="+dir,
			"AWS_REGION=", "AWS_DEFAULT_REGION=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", c.name, err, out)
		}
		if _, err := os.Stat(filepath.Join(dir, "boom")); err == nil {
			t.Errorf("%s: the folder's name was run", c.name)
		}
		got, _ := os.ReadFile(log)
		for _, want := range []string{c.want, "iam|create-role|--assume-role-policy-document|file://trust.json|--role-name|piway-" + c.form + "-eu-west-3|", "arn:aws:sns:eu-west-3:111122223333:piway-alerts|"} {
			if !strings.Contains(string(got), want) {
				t.Errorf("%s: got no %s in\n%s", c.name, want, got)
			}
		}
	}
}

// The setup as it is typed, up to where nobody is logged in.
func TestAWSSetup_commandLine(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "gateway.yaml")
	if err := os.WriteFile(path, []byte("uplink: {certs: {dir: "+dir+"}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tool := "#!/bin/sh\necho Unable to locate credentials >&2\nexit 253\n"
	if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(tool), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	var out bytes.Buffer
	err := run(t.Context(), []string{
		"aws", "setup", "--form", "metric", "--region", "eu-west-1", "--profile", "p",
		"--config", path,
	}, &out)
	if err == nil || !strings.Contains(err.Error(), "aws sts get-caller-identity --output json --region eu-west-1 "+
		"--profile p") {
		t.Errorf("got %v, want the flags passed on", err)
	}
	if err := run(t.Context(), []string{"aws", "setup", "--form", "morse"}, &out); err == nil {
		t.Error("took a form that there is not")
	}
	own := "uplink: {certs: {cert: /a, key: /b}}\n"
	if err := os.WriteFile(path, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"aws", "setup", "--form", "metric", "--config", path}, &out); err == nil ||
		config.Hint(err) == "" {
		t.Errorf("got %v, want certificate files of one's own refused", err)
	}
}
