package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"piway/shared/cli"
	"piway/shared/config"
	"piway/shared/version"
)

type sayCmd struct {
	Word string `arg:"" help:"What to say."`
}

func (c *sayCmd) Run(ctx context.Context, out io.Writer, s cli.Streams) error {
	if c.Word == "fail" {
		return config.Try(errors.New("it cannot be said"), "another word")
	}
	if out != s.Out || ctx == nil {
		return errors.New("bound wrongly")
	}
	_, err := fmt.Fprintln(out, c.Word)
	return err
}

// All programs behave alike.
func TestProgram(t *testing.T) {
	for _, c := range []struct {
		name, args, out, err string
		status               int
	}{
		{"no arguments", "", "What it is for.", "", 0},
		{"help", "--help", "What it is for.", "", 0},
		{"help of a command", "say --help", "What to say.", "", 0},
		{"version", "--version", "talk " + version.Number + " (", "", 0},
		{"version of a command that lacks its argument", "say --version", "talk " + version.Number + " (", "", 0},
		{"a command", "say hello", "hello\n", "", 0},
		{"a number below 0", "say -1.5e3", " -1.5e3\n", "", 0},
		{"a command that fails", "say fail", "", "talk: it cannot be said\ntry: another word\n", 1},
		{"an unknown command", "sing", "", "\ntry: talk --help\n", 1},
		{"an unknown flag", "say hello --loud", "", "\ntry: talk say --help\n", 1},
	} {
		var commands struct {
			Say sayCmd `cmd:"" help:"Say something."`
		}
		p := cli.Program{Name: "talk", Description: "What it is for.", Commands: &commands}
		var out, said bytes.Buffer
		err := p.Run(t.Context(), strings.Fields(c.args), cli.Streams{Out: &out, Err: &said})
		if status := p.Status(err, &said); status != c.status {
			t.Errorf("%s: got exit status %d, want %d", c.name, status, c.status)
		}
		if !strings.Contains(out.String(), c.out) || !strings.HasSuffix(said.String(), c.err) ||
			(c.err == "") != (said.Len() == 0) {
			t.Errorf("%s: got %q and %q, want %q and %q", c.name, &out, &said, c.out, c.err)
		}
	}
}

// A program without commands does its work without arguments.
func TestProgram_withoutCommands(t *testing.T) {
	p := cli.Program{Name: "sing", Commands: &song{}, Vars: map[string]string{"times": "3"}}
	var out bytes.Buffer
	if err := p.Run(t.Context(), nil, cli.Streams{Out: &out, Err: &out}); err != nil || out.String() != "la la la \n" {
		t.Errorf("got %q, %v", &out, err)
	}
	if status := p.Status(context.Canceled, &out); status != 1 || !strings.HasSuffix(out.String(), "sing: interrupted\n") {
		t.Errorf("interrupted: got %d and %q", status, &out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := cli.Interrupted(ctx, io.EOF); !errors.Is(err, io.EOF) {
		t.Errorf("not interrupted: got %v", err)
	}
	cancel()
	if err := cli.Interrupted(ctx, nil); err != nil {
		t.Errorf("done all the same: got %v", err)
	}
	if err := cli.Interrupted(ctx, context.Canceled); config.Hint(err) == "" {
		t.Errorf("interrupted: got %v, want a hint", err)
	}
	out.Reset()
	gone := fmt.Errorf("printing: %w", &fs.PathError{Op: "write", Path: os.Stdout.Name(), Err: syscall.EPIPE})
	if status := p.Status(gone, &out); status != 141 || out.Len() > 0 {
		t.Errorf("nobody reads: got %d and %q, want the status of SIGPIPE, and silence", status, &out)
	}
	if status := p.Status(&fs.PathError{Op: "write", Path: "/x", Err: syscall.EPIPE}, &out); status != 1 || out.Len() == 0 {
		t.Errorf("nobody reads a pipe of its own: got %d and %q", status, &out)
	}
}

type song struct {
	Times int `help:"How often." default:"${times}"`
}

func (s *song) Run(out io.Writer) error {
	_, err := fmt.Fprintln(out, strings.Repeat("la ", s.Times))
	return err
}

// A help without an example, or with one that the program refuses, is told.
func TestProgram_Examples(t *testing.T) {
	for help, want := range map[string]string{
		"Example:\n\n  talk say hello":                                        "",
		"More.\n\nExamples, by cron:\n\n  ls\n  * * * * * talk say hello > f": "",
		"Examples:\n\n  talk say hello   greets\n  talk say hello | wc":       "",
		"Says it.":                             "talk say: the help has no example of it",
		"talk say hello":                       "talk say: the help has no example of it",
		"Example:\n\n  talk sing hello":        "is refused",
		"Example:\n\n  talk say hello --loud":  "is refused",
		"Example:\n\n  cat talk say hello\n\n": "talk say: the help has no example of it",
	} {
		var commands struct {
			Say helpedCmd `cmd:"" help:"Say something."`
		}
		commands.Say.help = help
		err := cli.Program{Name: "talk", Commands: &commands}.Examples()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", help, err, want)
		}
	}
	p := cli.Program{
		Name: "sing", Description: "Sings.\n\nExample:\n\n  go run ./proof/sing", Commands: &song{},
		Vars: map[string]string{"times": "3"},
	}
	if err := p.Examples(); err != nil {
		t.Errorf("without commands: got %v, want nil", err)
	}
	p.Description = "Sings."
	if err := p.Examples(); err == nil {
		t.Error("without commands and without an example: got nil, want an error")
	}
}

type helpedCmd struct {
	sayCmd
	help string
}

func (c *helpedCmd) Help() string { return c.help }
