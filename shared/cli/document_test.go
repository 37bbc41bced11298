package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/shared/cli"
)

type documentedCmd struct {
	Config string   `help:"Configuration (default: ${default})." default:"/etc/talk" placeholder:"FILE"`
	Form   string   `enum:",metric,emf" default:"" help:"Which."`
	Loud   bool     `short:"l" help:"Cry."`
	Secret string   `hidden:"" help:"Hush."`
	What   string   `arg:"" enum:"yes,no" help:"What to say."`
	File   []string `arg:"" optional:"" help:"Where to."`
}

func (documentedCmd) Help() string { return "Example:\n\n  talk say yes" }

// All that is not hidden is in the documents.
func TestProgram_Document(t *testing.T) {
	var commands struct {
		Say  documentedCmd `cmd:"" aliases:"tell" help:"Say something."`
		Hide sayCmd        `cmd:"" hidden:"" help:"Hush."`
	}
	dir := filepath.Join(t.TempDir(), "new")
	p := cli.Program{Name: "talk", Description: "Talks.", Commands: &commands}
	for range 2 { // the second time over the first one's
		if err := p.Document(dir); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string][]string{
		"talk.1": {
			`\fBtalk say\fR \fIwhat\fR [\fIfile\fR ...] [flags]`, `\fB\-\-form\fR=\fImetric|emf\fR`, `(default: /etc/talk)`,
			`\fB\-l\fR, \fB\-\-loud\fR`, "\ntalk say yes\n", "Also tell.",
		},
		"talk.bash": {"'/say' | '/tell') path='say'", "choices='metric emf'", "choices='yes no'", "files=default"},
		"_talk":     {"(metric emf)", "(yes no)", ":_files"},
		"talk.fish": {"'metric emf'", "'yes no'", "-r -F"},
	} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range want {
			if !strings.Contains(string(content), want) {
				t.Errorf("%s: got no %q in\n%s", name, want, content)
			}
		}
		for _, hidden := range []string{"hide", "secret", "Hush"} {
			if strings.Contains(string(content), hidden) {
				t.Errorf("%s: got %q, which is hidden", name, hidden)
			}
		}
	}
	file := filepath.Join(dir, "talk.1")
	if err := p.Document(file); err == nil {
		t.Error("wrote into a file")
	}
}
