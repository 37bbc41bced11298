package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"piway/proof/world"
)

// What pages name beside piway's programs. A page is skipped where one of its own is not installed.
var tools = map[string][]string{
	"docs/aws.md":       {"aws", "moto_server"},
	"docs/localcore.md": {"curl", "mosquitto_pub"},
}

// account is moto, which answers the real aws tool as AWS does, in a page's network, for who is logged in. It has no
// IoT Core to connect to, and knows nothing of what a rule does.
var account = standIn{
	start: "moto_server -H 127.0.0.1 -p 5000 >/dev/null 2>&1",
	env: []string{
		"AWS_ENDPOINT_URL=http://127.0.0.1:5000", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	},
}

// standIns are for what a page takes to be there, and this machine has not.
var standIns = map[string]standIn{"docs/aws.md": account}

// Each page's commands for any machine succeed in the order in which they stand there.
func TestPages(t *testing.T) {
	all, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range append(all, "../../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel("../..", file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := parse(name, string(text))
		if err != nil {
			t.Error(err)
		}
		if len(p.of(onThis)) == 0 {
			continue
		}
		found[name] = true
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			needs(t, append([]string{"bash", "ip"}, tools[name]...)...)
			here(t, p)
		})
	}
	for name := range tools {
		if !found[name] {
			t.Errorf("%s has no commands that can be run", name)
		}
	}
}

// here runs a page, or skips where this machine cannot.
func here(t *testing.T, p page) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := run(ctx, p, t.TempDir(), standIns[p.name], "PATH="+programs(t)+":"+os.Getenv("PATH"))
	if errors.Is(err, errCannot) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Log(out)
}

// needs skips where one of these programs is not installed.
func needs(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed", name)
		}
	}
}

// programs is a folder that has the three programs under the names by which a person knows them.
func programs(t *testing.T) string {
	t.Helper()
	built, bin := world.Built(t), t.TempDir()
	for name, path := range map[string]string{"agent": built.Agent, "gateway": built.Gateway, "localcore": built.Localcore} {
		if err := os.Symlink(path, filepath.Join(bin, "piway-"+name)); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}
