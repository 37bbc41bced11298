package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// types runs a page's text in a folder, and skips where this machine cannot.
func types(t *testing.T, ctx context.Context, dir, text string) (out string, err error) { //nolint:revive // as testing has it
	t.Helper()
	needs(t, "bash", "ip")
	p, err := parse("docs/p.md", "# Page\n\n"+text)
	if err != nil {
		t.Fatal(err)
	}
	out, err = run(ctx, p, dir, standIn{})
	if errors.Is(err, errCannot) {
		t.Skip(err)
	}
	return out, err
}

// What fails is told by page and line, with what was printed, and nothing behind it is run.
func TestRun_fails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"a command":         {"```sh run\necho before\n```\nText.\n\n```sh run\n\nls /nowhere\ntouch after\n```", "docs/p.md:10: exit status 2: ls /nowhere"},
		"of a pipe":         {"```sh run\nfalse | cat\ntouch after\n```", "docs/p.md:4: exit status 1"},
		"in a substitution": {"```sh run\nA=$(false)\ntouch after\n```", "docs/p.md:4: exit status 1"},
		"no such variable":  {"```sh run\ntrue\necho $NOTHING\ntouch after\n```", "docs/p.md:5: NOTHING: unbound variable"},
		"no such program":   {"```sh run\nno-such-program\ntouch after\n```", "docs/p.md:4: no-such-program: command not found"},
		"no shell":          {"```sh run\ntrue\nif\n```", "docs/p.md:6: syntax error"},
		"a question":        {"```sh run\nread -r answer\ntouch after\n```", "docs/p.md:4: exit status 1: read"},
		"in the background": {"```sh run\nfalse &\ntouch after\n```", "docs/p.md:4: exit status 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			_, err := types(t, t.Context(), dir, c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if err != nil && strings.Contains(c.text, "echo before") && !strings.Contains(err.Error(), "before\n") {
				t.Errorf("got %v, want what was printed", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "after")); err == nil {
				t.Error("it went on")
			}
		})
	}
}

// A page is one terminal: variables and folders stay. Its home is its folder, and its network has nothing.
func TestRun_isOneTerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, err := types(t, t.Context(), dir, "```sh run\nmkdir -p a\ncd a\nA=kept\n```\n```sh\nexit 1\n```\n```sh run\necho \"$A\" > ~/here\n"+
		"pwd\ngrep -c : /proc/net/dev\n```")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "here")); err != nil || string(text) != "kept\n" {
		t.Errorf("got %q, %v", text, err)
	}
	if !strings.HasSuffix(out, dir+"/a\n1\n") {
		t.Errorf("got %q, want the folder, and one network device", out)
	}
}

// What is started in the background is there for the next command, and gone when the page has ended.
func TestRun_background(t *testing.T) {
	t.Parallel()
	needs(t, "python3", "curl")
	const server = `(sleep 0.3; exec python3 -m http.server --bind 127.0.0.1 8080) & # a slow one`
	for name, stubborn := range map[string]string{"obedient": "", "stubborn": "trap '' TERM; "} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			text := "```sh run\n" + strings.Replace(server, "(", "(echo $BASHPID > pid; "+stubborn, 1) + "\ncurl -s http://127.0.0.1:8080/ > got\nfalse\n```"
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := types(t, ctx, dir, text)
			if err == nil || !strings.Contains(err.Error(), "docs/p.md:6: exit status 1: false") {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "got")); err != nil {
				t.Error(err)
			}
			pid, err := os.ReadFile(filepath.Join(dir, "pid"))
			if err != nil {
				t.Fatal(err)
			}
			gone(t, strings.TrimSpace(string(pid)))
		})
	}
}

// gone waits until a process has ended; somebody else takes note of it.
func gone(t *testing.T, pid string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; {
		stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it still runs: %s", stat)
		}
	}
}
