package setup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"piway/gateway/aws"
	"piway/gateway/cloud"
	"piway/gateway/settings"
	"piway/shared/config"
)

// Access is how to reach the account, passed on to the aws tool. Empty means what the tool is configured for.
type Access struct{ Region, Profile string }

// A walk is a list of steps through an account. Each looks first at what is there, so that one that was interrupted is
// walked again from the start and does what is left.
type walk struct {
	cli    aws.CLI
	out    io.Writer
	answer func(ctx context.Context) (string, error) // reads a line; nil where nobody is there to ask
	before func(step string)                         // for tests

	access Access
	path   string // of the configuration
	cfg    settings.Config
	names  cloud.Names
	stack  *aws.Stack // the gateway's, nil if there is none
}

type walkStep struct {
	name string
	do   func(context.Context) error
}

func newWalk(path string, access Access, cfg settings.Config, out io.Writer) *walk {
	// The region that was set up before goes before the tool's own: the stacks are there, and nowhere else.
	if region := cfg.Uplink.Region(); access.Region == "" && region != cloud.RegionPlaceholder {
		access.Region = region
	}
	w := &walk{out: out, answer: terminal(), access: access, path: path, cfg: cfg, names: cfg.Cloud()}
	w.cli = aws.CLI{
		Profile: access.Profile, Region: access.Region, Again: underSudo(os.Args, os.Getenv),
		Show: func(line string) { w.say("  $ %s", line) },
		Waiting: func(what string, since time.Duration) {
			w.say("  … waiting for %s, %s", what, since.Round(time.Second))
		},
	}
	return w
}

// underSudo returns the command line that keeps the caller's login, "" where it is kept: sudo sets HOME to root's, and
// the aws tool looks there for credentials, profiles and the region.
func underSudo(args []string, env func(string) string) string {
	caller, err := user.Lookup(env("SUDO_USER"))
	if err != nil || env("HOME") == caller.HomeDir {
		return ""
	}
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = cloud.Quote(a)
	}
	return "sudo -E " + strings.Join(words, " ")
}

// say tells the user a line. That nobody can read it is no reason to stop half-way.
func (w *walk) say(format string, args ...any) { _, _ = fmt.Fprintf(w.out, format+"\n", args...) }

// walk takes the steps. Its error names the step.
func (w *walk) walk(ctx context.Context, steps []walkStep) error {
	for i, s := range steps {
		w.say("[%d/%d] %s", i+1, len(steps), s.name)
		if w.before != nil {
			w.before(s.name)
		}
		err := ctx.Err()
		if err == nil {
			err = s.do(ctx)
		}
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return config.Try(fmt.Errorf("interrupted while %s; nothing is lost", s.name),
				"the same command again; it continues from here")
		default:
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// identity asks AWS whose credentials these are: what is wrong most often.
func (w *walk) identity(ctx context.Context) error {
	var who struct{ Account, Arn string }
	if err := w.cli.Decode(ctx, "AWS", cloud.NewCommand("sts", "get-caller-identity"), &who); err != nil {
		return err
	}
	w.names.Account = who.Account
	w.say("  account %s as %s", who.Account, who.Arn)
	return nil
}

// own refuses a stack that is another gateway's, whose name comes out the same.
func (w *walk) own() error {
	id := w.stack.Parameters["ClientId"]
	if id == w.names.ClientID && w.stack.IsGateway() {
		return nil
	}
	return config.Try(fmt.Errorf("the stack %s is not of the client id %s but of %q", w.stack.Name, w.names.ClientID, id),
		"another uplink.client_id, or another site")
}

// terminal returns a reader of lines if a person is there.
func terminal() func(context.Context) (string, error) {
	info, err := os.Stdin.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	in := bufio.NewReader(os.Stdin)
	return func(ctx context.Context) (string, error) {
		type line struct {
			text string
			err  error
		}
		got := make(chan line, 1)
		// A read of a terminal cannot be called off: this goroutine ends with the line or with the program.
		go func() {
			text, err := in.ReadString('\n')
			got <- line{text, err}
		}()
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case l := <-got:
			return strings.TrimSpace(l.text), l.err
		}
	}
}

// ask asks for one of the answers; an empty line is the first. An end of input is an error.
func (w *walk) ask(ctx context.Context, question string, answers ...string) (string, error) {
	for {
		_, _ = fmt.Fprintf(w.out, "%s [%s]: ", question, strings.Join(answers, "/"))
		text, err := w.answer(ctx)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("no answer")
			}
			return "", err
		}
		if text == "" {
			return answers[0], nil
		}
		for _, a := range answers {
			if strings.EqualFold(text, a) {
				return a, nil
			}
		}
		w.say("please answer one of: %s", strings.Join(answers, ", "))
	}
}

// lines gathers what is to be shown, or not.
type lines struct{ bytes.Buffer }

func (l *lines) indent(out io.Writer) {
	for line := range strings.Lines(l.String()) {
		_, _ = fmt.Fprint(out, "  ", line) // as say
	}
}
