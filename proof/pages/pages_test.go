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
	"docs/localcore.md": {"curl", "mosquitto_pub"},
}

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
	out, err := run(ctx, p, t.TempDir(), "PATH="+programs(t)+":"+os.Getenv("PATH"))
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
