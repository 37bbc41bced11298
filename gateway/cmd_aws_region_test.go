package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// regionTool stands for the aws tool: it keeps what it is called with, and the files.
const regionTool = `#!/bin/sh
printf '%s ' "$@" >>"$LOG"; echo >>"$LOG"
for a; do case "$a" in file://*.json) cat "${a#file://}" >>"$LOG";; esac; done
case "$*" in
*"query Account"*) echo 111122223333;;
"configure get region") test -n "$CONFIGURED" && echo "$CONFIGURED" || exit ${CODE:-1};;
*certificateArn*) echo arn:cert/1;;
esac
`

// The plain commands are for the region that the aws tool would take, wherever that stands, with its partition; and
// without one they say so and make nothing.
func TestAWSPrint_cli_region(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for _, c := range []struct {
		name, env, region, partition string
	}{
		{"AWS_REGION", "AWS_REGION=eu-west-1", "eu-west-1", "aws"},
		{"AWS_DEFAULT_REGION", "AWS_DEFAULT_REGION=eu-west-2", "eu-west-2", "aws"},
		{"profile", "CONFIGURED=eu-west-3", "eu-west-3", "aws"},
		{"China", "AWS_REGION=cn-north-1", "cn-north-1", "aws-cn"},
		{"GovCloud", "CONFIGURED=us-gov-west-1", "us-gov-west-1", "aws-us-gov"},
		{"none", "CODE=1", "", ""},
		{"none, an older tool", "CODE=0", "", ""},
	} {
		dir := t.TempDir()
		lines := "uplink: {certs: {dir: " + filepath.Join(dir, "certs") + "}}"
		if _, err := awsRun(t, dir, lines, "csr"); err != nil {
			t.Fatal(err)
		}
		script, err := awsRun(t, dir, lines, "print", "cli", "--form", "metric")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(regionTool), 0o700); err != nil {
			t.Fatal(err)
		}
		log := filepath.Join(dir, "log")
		cmd := exec.Command(bash)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(strings.Replace(script, "sleep 15", "", 1))
		cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), "LOG="+log, "TMPDIR="+dir,
			"AWS_REGION=", "AWS_DEFAULT_REGION=", c.env)
		out, err := cmd.CombinedOutput()
		did, _ := os.ReadFile(log)
		if c.region == "" {
			if err == nil || !strings.Contains(string(out), "no region: aws configure") || strings.Contains(string(did), "create") {
				t.Errorf("%s: got %v, %q and\n%s, want it told and nothing made", c.name, err, out, did)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v: %s", c.name, err, out)
		}
		for _, want := range []string{
			"--role-name piway-metric-" + c.region + " ",
			"arn:" + c.partition + ":sns:" + c.region + ":111122223333:piway-alerts ", // of the alarm
			`"targetArn": "arn:` + c.partition + ":sns:" + c.region + ":111122223333:piway-alerts\"",
			`"arn:` + c.partition + ":iot:" + c.region + ":111122223333:client/piway-gateway\"",
			`"arn:` + c.partition + ":iam::111122223333:role/piway-metric-" + c.region + `"`,
		} {
			if !strings.Contains(string(did), want) {
				t.Errorf("%s: got no %s in\n%s", c.name, want, did)
			}
		}
		if strings.Contains(string(did), "@") {
			t.Errorf("%s: got a placeholder in\n%s", c.name, did)
		}
	}
}

// A single piece is for the region of the endpoint, then for the tool's.
func TestAWSPrint_region(t *testing.T) {
	china := "uplink: {endpoint: abc.ats.iot.cn-north-1.amazonaws.com.cn}"
	for _, c := range []struct{ name, lines, variable, region, what, want string }{
		{"the endpoint's in China", china, "AWS_REGION", "eu-west-1", "errors-rule", "arn:aws-cn:sns:cn-north-1:"},
		{"the endpoint's role", china, "AWS_REGION", "eu-west-1", "errors-rule", "arn:aws-cn:iam::123456789012:role/piway-errors-cn-north-1"},
		{"the endpoint's policy", china, "AWS_REGION", "", "policy", "arn:aws-cn:iot:cn-north-1:"},
		{"AWS_REGION", "", "AWS_REGION", "cn-north-1", "errors-rule", "arn:aws-cn:sns:cn-north-1:"},
		{"AWS_DEFAULT_REGION", "", "AWS_DEFAULT_REGION", "eu-west-1", "rule", "role/piway-metric-eu-west-1"},
		{"none", "", "AWS_REGION", "", "errors-rule", "arn:aws:sns:us-east-1:"},
		{"no region", "", "AWS_REGION", "x;y", "errors-rule", "arn:aws:sns:us-east-1:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("AWS_REGION", "")
			t.Setenv("AWS_DEFAULT_REGION", "")
			t.Setenv(c.variable, c.region)
			got, err := awsRun(t, t.TempDir(), c.lines, "print", c.what)
			if err != nil || !strings.Contains(got, c.want) {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
		})
	}
}
