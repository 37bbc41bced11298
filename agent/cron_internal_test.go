package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"piway/shared/mqttlink/fakebroker"
)

// cronLine is a line of a crontab in a text: five fields, and the command.
var cronLine = regexp.MustCompile(`(?m)(?:^|[ :])\* \* \* \* \* (.*piway-agent.*)$`)

// documented are the command lines for cron in README, docs and the help.
func documented(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"the help": onceCmd{}.Help()}
	for _, file := range append(files, "../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(text)
	}
	commands := map[string]string{}
	for where, text := range texts {
		for _, m := range cronLine.FindAllStringSubmatch(text, -1) {
			commands[where] = m[1]
		}
	}
	if len(commands) < 2 {
		t.Fatalf("got %v, want the line in docs/scripts.md and the help", commands)
	}
	return commands
}

// cron runs a command by /bin/sh with hardly a PATH, in the user's home, and ends it at a %. The documented line must
// work so, with the program where the package or the unit for systemd has it. Here the program and its configuration are elsewhere.
func TestDocs_cronLine(t *testing.T) {
	t.Parallel()
	unit, err := os.ReadFile("../configs/systemd/piway-agent.service")
	if err != nil {
		t.Fatal(err)
	}
	b := fakebroker.New(t, nil)
	bin := t.TempDir()
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "piway-agent")); err != nil {
		t.Fatal(err)
	}
	move := strings.NewReplacer("/usr/local/bin/", bin+"/", "/usr/bin/", bin+"/", "/etc/piway/agent.yaml", configure(t, b.Addr()))
	for where, command := range documented(t) {
		program, _, _ := strings.Cut(command, " ")
		packaged := program == "/usr/bin/piway-agent"
		if !packaged && !strings.Contains(string(unit), "ExecStart="+program+" ") || strings.Contains(command, "%") {
			t.Errorf("%s: got %q, want the program of the package or the unit, and no %%", where, command)
		}
		cron := exec.CommandContext(t.Context(), "/bin/sh", "-c", move.Replace(command))
		cron.Dir = t.TempDir()
		cron.Env = []string{"SHELL=/bin/sh", "PATH=/usr/bin:/bin", "HOME=" + cron.Dir, "LOGNAME=me", asAgent + "=1"}
		if out, err := cron.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %q: got %v, %q, want the report sent and nothing to mail", where, command, err, out)
			continue
		}
		if p := <-b.Publishes; p.Topic != "pi/kitchen/samples" {
			t.Errorf("%s: got a publish on %s", where, p.Topic)
		}
	}
}
