package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"piway/shared/cli"
	"piway/shared/config"
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
		{"a command", "say hello", "hello\n", "", 0},
		{"a command that fails", "say fail", "", "talk: it cannot be said\ntry: another word\n", 1},
		{"an unknown command", "sing", "", "\ntry: talk --help\n", 1},
		{"an unknown flag", "say hello --loud", "", "\ntry: talk --help\n", 1},
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
		if !strings.Contains(out.String(), c.out) || !strings.HasSuffix(said.String(), c.err) || (c.err == "") != (said.Len() == 0) {
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
}

type song struct {
	Times int `help:"How often." default:"${times}"`
}

func (s *song) Run(out io.Writer) error {
	_, err := fmt.Fprintln(out, strings.Repeat("la ", s.Times))
	return err
}
