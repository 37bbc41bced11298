package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sheet writes a page and returns its path.
func sheet(t *testing.T, text string) string {
	t.Helper()
	needs(t, "bash")
	file := filepath.Join(t.TempDir(), "p.md")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const home = "# Page\n\n```sh server\necho a stale piw1.aaaa\necho run me: piw1.Ab_-9\n```\n\n```sh run\nexit 1\n```\n" +
	"```sh pi\n# the line that was printed\necho \"$WHERE\" has piw1.…\n```\n"

// machine is a command that runs a shell, in whose place ssh or docker exec stands elsewhere.
func machine(where string) string { return "env WHERE=" + where }

func TestCommand(t *testing.T) {
	t.Parallel()
	localcore := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		names := []string{"cpu usage (kitchen)", "memory usage (kitchen)", "disk usage / (kitchen)"}
		if r.URL.Path != "/metrics.json" {
			w.WriteHeader(http.StatusNotFound)
		}
		for i, n := range names {
			names[i] = fmt.Sprintf(`{"name": %q, "datapoints": [{}]}`, n)
		}
		_, _ = fmt.Fprintf(w, `{"metrics": [%s]}`, strings.Join(names, ",")) // or the test fails
	}))
	defer localcore.Close()
	var out bytes.Buffer
	c := command{Server: machine("server"), Pi: machine("pi"), Under: 5, Graph: "kitchen", Page: []string{
		sheet(t, home+"\n```sh server\necho graphs at "+localcore.URL+"\n```\n"),
	}}
	if err := c.Run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\npi has piw1.Ab_-9\n", ": 4 commands\n", localcore.URL + " shows cpu usage (kitchen), "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %s, want %s", &out, want)
		}
	}
}

func TestCommand_fails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, want string
		of         command
	}{
		"too many commands": {home, " has 3 commands, want fewer than 3", command{Under: 3}},
		"a command": {
			home + "```sh server\ntrue\nfalse\ntrue\n```", "p.md:17: exit status 1: false", command{},
		},
		"no command":            {"# Page\n\n```sh run\nexit 0\n```\n", "has no command for server or Pi", command{}},
		"no machine":            {home, "p.md:12: there is no machine for sh pi, name one by --pi", command{Server: machine("server")}},
		"no token":              {"```sh pi\necho piw1.…\n```", "p.md:2: nothing has printed what piw1.… stands for", command{}},
		"another placeholder":   {"```sh pi\necho …\n```", "p.md:2: nobody knows what … stands for", command{}},
		"a mistake on the page": {"```sh sever\nfalse\n```", "p.md:1: a fence says", command{}},
		"no address":            {home, "no command has printed where the graphs are", command{Graph: "kitchen"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.of.Server == "" {
				c.of.Server, c.of.Pi = machine("server"), machine("pi")
			}
			c.of.Page = []string{sheet(t, c.text)}
			if err := c.of.Run(t.Context(), new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
