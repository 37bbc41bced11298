package manual_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/shared/manual"
)

// nasty is what the shells and roff have special characters for.
const nasty = `'It's' a "help": [with] $(touch boom) ` + "`touch boom`" + ` \n \fB 100% {a,b} ~ ^ é … <x> | ; * .`

// talk is a program with all that a command line may have.
func talk() manual.Command {
	config := manual.Flag{Value: manual.Value{Name: "config", Help: "A file.", Kind: manual.File}, Placeholder: "FILE"}
	form := manual.Flag{
		Value: manual.Value{Name: "form", Help: nasty, Choices: []string{"metric", "emf"}}, Placeholder: "FORM", Short: 'f',
	}
	what := manual.Value{Name: "what", Choices: []string{"rule", "errors-rule"}}
	return manual.Command{
		Name:  "talk-now",
		Help:  "Talks.\n\n.so /etc/passwd",
		Flags: []manual.Flag{{Value: manual.Value{Name: "help", Help: "Show help."}, Short: 'h'}},
		Commands: []manual.Command{
			{Name: "run", Help: ".Runs. " + nasty, Flags: []manual.Flag{config, form}},
			{Name: "device", Help: "Devices.", Commands: []manual.Command{
				{Name: "add", Help: "Adds.", Aliases: []string{"new"}, Args: []manual.Arg{{Value: manual.Value{Name: "name"}}}},
				{Name: "show", Help: "Shows.", Flags: []manual.Flag{{Value: manual.Value{Name: "json", Help: "As JSON."}}}},
			}},
			{Name: "write", Help: "Writes.", Args: []manual.Arg{{Value: manual.Value{Name: "file", Kind: manual.File}}}},
			{Name: "print", Help: "Prints.", Args: []manual.Arg{{Value: what}}, Flags: []manual.Flag{config}},
			{Name: "read", Help: "Reads.", Args: []manual.Arg{
				{Value: manual.Value{Name: "what", Choices: []string{"all"}}},
				{Value: manual.Value{Name: "file", Kind: manual.File, Many: true}, Optional: true},
			}},
			{Name: "make", Help: "Makes.", Args: []manual.Arg{{Value: manual.Value{Name: "dir", Kind: manual.Folder}}}},
		},
	}
}

// lines are what is typed, and what may come in place of the last word. In the folder is a file and a folder.
var lines = []struct {
	name, typed string
	want        []string
}{
	{"commands", "", []string{"device", "make", "print", "read", "run", "write"}},
	{"a beginning", "r", []string{"read", "run"}},
	{"commands of a command", "device ", []string{"add", "show"}},
	{"flags, those above too", "run --", []string{"--config", "--form", "--help"}},
	{"flags of a command of a command", "device show --j", []string{"--json"}},
	{"a flag's file", "run --config ", []string{"a-file", "folder"}},
	{"a flag's file behind =", "run --config=a", []string{"a-file"}},
	{"a flag's choices", "run --form ", []string{"emf", "metric"}},
	{"a flag's choices behind =", "run --form=m", []string{"metric"}},
	{"a short flag's choices", "run -f e", []string{"emf"}},
	{"no command behind a flag's value", "print --config run e", []string{"errors-rule"}},
	{"a value that is a command's name", "print --config=run r", []string{"rule"}},
	{"an argument's choices", "print ", []string{"errors-rule", "rule"}},
	{"one argument only", "print rule r", nil},
	{"an argument's file", "write ", []string{"a-file", "folder"}},
	{"first of two arguments", "read ", []string{"all"}},
	{"another argument", "read all ", []string{"a-file", "folder"}},
	{"one more", "read all a-file f", []string{"folder"}},
	{"a folder", "make ", []string{"folder"}},
	{"anything", "device add ", nil},
	{"by another name", "device new --", []string{"--help"}},
	{"no such command", "sing ", nil},
	{"an address in a value", "run --config 127.0.0.1:80 --f", []string{"--form"}},
}

// Each shell completes what may come, and nothing else.
func TestFiles_shells(t *testing.T) {
	for _, sh := range []struct {
		name     string
		complete func(t *testing.T, scripts, here, typed string) string
	}{{"bash", inBash}, {"zsh", inZsh}, {"fish", inFish}} {
		t.Run(sh.name, func(t *testing.T) {
			if _, err := exec.LookPath(sh.name); err != nil {
				t.Skip(sh.name, " is not installed")
			}
			scripts := written(t)
			if sh.name == "zsh" { // looks through its whole library, once
				shell(t, scripts, "zsh", "-fc", `fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -d dump`)
			}
			for _, l := range lines {
				t.Run(l.name, func(t *testing.T) {
					t.Parallel()
					here := t.TempDir()
					if err := errors.Join(os.Mkdir(filepath.Join(here, "folder"), 0o700),
						os.WriteFile(filepath.Join(here, "a-file"), nil, 0o600)); err != nil {
						t.Fatal(err)
					}
					got := words(sh.complete(t, scripts, here, l.typed))
					if diff := cmp.Diff(l.want, got); diff != "" {
						t.Errorf("%q, want -, got +:\n%s", l.typed, diff)
					}
					if _, err := os.Stat(filepath.Join(here, "boom")); err == nil {
						t.Error("a help was run")
					}
				})
			}
		})
	}
}

// words are the sorted first words of lines, as they would stand on the command line.
func words(out string) (all []string) {
	for l := range strings.Lines(out) {
		word, _, _ := strings.Cut(strings.TrimSpace(l), "\t")
		if _, value, cut := strings.Cut(word, "="); cut && value != "" {
			word = value // a shell says all of --form=emf, or what comes behind
		}
		if word = strings.TrimRight(word, "/="); word != "" {
			all = append(all, word)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
