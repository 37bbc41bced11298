package foreign_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"piway/proof/world"
)

// helpCommand is a command, helpFlag a flag in a program's help.
var (
	helpCommand = regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+)?)  `)
	helpFlag    = regexp.MustCompile(`(?m)^ +(?:-\w, +)?(--[a-z-]+)`)
)

// Each command and each flag that a program's help names is in its manual page, which man shows without a warning, and
// in its completions, which the shells read without one.
func TestDocuments(t *testing.T) {
	t.Parallel()
	programs := world.Built(t)
	for _, p := range []struct{ name, source, built string }{
		{"piway-agent", "../../agent", programs.Agent},
		{"piway-gateway", "../../gateway", programs.Gateway},
		{"piway-localcore", "../../localcore", programs.Localcore},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			output(t, dir, "go", "run", "-tags", "documents", absolute(t, p.source), dir)
			words := wordsOf(t, p.built)
			for name, read := range map[string][]string{
				p.name + ".1":    {"man", "--warnings=w", "-l"},
				p.name + ".bash": {"bash", "-n"},
				"_" + p.name:     {"zsh", "-n"},
				p.name + ".fish": {"fish", "--no-execute"},
			} {
				holds(t, filepath.Join(dir, name), words)
				if _, err := exec.LookPath(read[0]); err != nil {
					t.Logf("%s is not installed: nobody has read %s", read[0], name)
					continue
				}
				output(t, dir, append(read, name)...)
			}
		})
	}
}

// wordsOf are the commands and flags of a program, by its help.
func wordsOf(t *testing.T, program string) (words []string) {
	t.Helper()
	help := output(t, "", program, "--help")
	for _, m := range helpCommand.FindAllStringSubmatch(help, -1) {
		words = append(words, m[1])
		about := output(t, "", append(append([]string{program}, strings.Fields(m[1])...), "--help")...)
		for _, f := range helpFlag.FindAllStringSubmatch(about, -1) {
			words = append(words, strings.TrimPrefix(f[1], "--"))
		}
	}
	if len(words) < 4 {
		t.Fatalf("got only %q in the help of %s", words, program)
	}
	return words
}

// holds checks that a file names all the words; roff has its hyphens escaped.
func holds(t *testing.T, path string, words []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer(`\-`, "-", "__", " ").Replace(string(text))
	for _, w := range words {
		if !strings.Contains(plain, w) {
			t.Errorf("%s: got no %q", filepath.Base(path), w)
		}
	}
}

// output is what a command prints; it must succeed and complain of nothing.
func output(t *testing.T, dir string, command ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C.UTF-8")
	if command[0] == "go" {
		cmd.Dir = "../.."
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil || said.Len() > 0 && command[0] != "go" {
		t.Fatalf("%q: %v: %s", command, err, &said)
	}
	return string(out)
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
