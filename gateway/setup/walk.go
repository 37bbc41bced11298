package setup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
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

	endpoint string // of IoT Core, once AWS has told it
	again    string // flags that the same command needs another time, for what was asked
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
	w := &walk{out: out, answer: terminal(os.Stdin), access: access, path: path, cfg: cfg, names: cfg.Cloud()}
	w.cli = aws.CLI{
		Profile: access.Profile, Region: access.Region, Again: underSudo(os.Args, os.Getenv), As: aws.CallerOf(os.Getenv),
		Show: func(line string) { w.say("  $ %s", line) },
		Waiting: func(what string, since time.Duration) {
			w.say("  … waiting for %s, %s", what, since.Round(time.Second))
		},
	}
	return w
}

// underSudo returns the command line that keeps the caller's environment, "" where it is kept: sudo drops AWS_PROFILE,
// AWS_REGION and all the others.
func underSudo(args []string, env func(string) string) string {
	if aws.KeepsHome(env) {
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

// alone keeps a second walk of this configuration out until the returned function is called: two would make two keys.
// The lock is on the folder, which needs no file that stays.
func (w *walk) alone() (end func(), err error) {
	dir, err := os.Open(filepath.Dir(w.path))
	if err != nil {
		return func() {}, nil //nolint:nilerr // the folder is yet to be made, or the configuration is only read
	}
	end = func() { _ = dir.Close() } // which unlocks it
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		end()
		return nil, config.Try(fmt.Errorf("another aws setup or remove of %s is at work on this machine", w.path),
			"this again when it has ended")
	}
	return end, nil // some file systems have no locks
}

// walk takes the steps. Its error names the step.
func (w *walk) walk(ctx context.Context, steps []walkStep) error {
	end, err := w.alone()
	if err != nil {
		return err
	}
	defer end()
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
				"the same command again"+w.again+"; it continues from here")
		default:
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// answerless is of an answer without what AWS always says.
func answerless(command cloud.Command, field string) error {
	return config.Try(fmt.Errorf("%s: its answer has no %s", command, field),
		"aws --version, to see that the program aws is the AWS CLI; and the command by itself")
}

var identityCommand = cloud.NewCommand("sts", "get-caller-identity")

// identity asks AWS whose credentials these are: what is wrong most often.
func (w *walk) identity(ctx context.Context) error {
	if as := w.cli.As; as != nil {
		w.say("  the aws tool runs as %s, with the login in %s/.aws", as.Name, as.Home)
	}
	var who struct{ Account, Arn string }
	if err := w.regional(ctx, "AWS", identityCommand, &who); err != nil {
		return err
	}
	if who.Account == "" {
		return answerless(identityCommand, "Account")
	}
	w.names.Account = who.Account
	w.say("  account %s as %s", who.Account, who.Arn)
	return nil
}

// address asks for the address of IoT Core, which tells the region too, wherever the aws tool has it from.
func (w *walk) address(ctx context.Context) error {
	var answer struct{ EndpointAddress string }
	if err := w.regional(ctx, "IoT Core", cloud.EndpointCommand, &answer); err != nil {
		return err
	}
	if answer.EndpointAddress == "" {
		return answerless(cloud.EndpointCommand, "endpointAddress")
	}
	w.endpoint = answer.EndpointAddress
	w.names.Region = (&settings.Uplink{Endpoint: w.endpoint}).Region()
	w.say("  %s", w.endpoint)
	return nil
}

// regional is cli.Decode, which asks for the region if the aws tool has none.
func (w *walk) regional(ctx context.Context, what string, command cloud.Command, into any) error {
	err := w.cli.Decode(ctx, what, command, into)
	if w.answer == nil || !aws.Said(err, "must specify a region") {
		return err
	}
	w.say("  The aws tool has no region. Metrics, rules and alarms are in one: take the nearest.")
	region, err := w.askText(ctx, "which region", "us-east-1", "--region", func(text string) error {
		if !regionForm.MatchString(text) {
			return errors.New("a region looks like eu-west-1")
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.access.Region, w.cli.Region, w.again = region, region, " --region "+region
	return w.cli.Decode(ctx, what, command, into)
}

var regionForm = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)

// own refuses a stack that is another gateway's, whose name comes out the same.
func (w *walk) own() error {
	id := w.stack.Parameters["ClientId"]
	if id == w.names.ClientID && w.stack.IsGateway() {
		return nil
	}
	return config.Try(fmt.Errorf("the stack %s is not of the client id %s but of %q", w.stack.Name, w.names.ClientID, id),
		"another uplink.client_id, or another site")
}

// terminal returns a reader of lines if a person is there: not at /dev/null, which cron and systemd give.
func terminal(stdin *os.File) func(context.Context) (string, error) {
	info, err := stdin.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	if null, err := os.Stat(os.DevNull); err == nil && os.SameFile(info, null) {
		return nil
	}
	in := bufio.NewReader(stdin)
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

// ask asks for one of the answers; an empty line is the first. flags is what answers without a question; the error
// where nobody answers names it.
func (w *walk) ask(ctx context.Context, question, flags string, answers ...string) (string, error) {
	var chosen string
	_, err := w.askText(ctx, question+" ("+strings.Join(answers, "/")+")", answers[0], flags, func(text string) error {
		for _, a := range answers {
			if strings.EqualFold(text, a) {
				chosen = a
				return nil
			}
		}
		return errors.New("please answer one of: " + strings.Join(answers, ", "))
	})
	return chosen, err
}

// askText asks until the answer is a good one; an empty line is the usual one.
func (w *walk) askText(ctx context.Context, question, usual, flags string, good func(string) error) (string, error) {
	if w.answer == nil {
		return "", config.Try(fmt.Errorf("%s? There is nobody to ask", question), flags)
	}
	for {
		_, _ = fmt.Fprintf(w.out, "%s [%s]: ", question, usual)
		text, err := w.answer(ctx)
		if errors.Is(err, io.EOF) {
			return "", config.Try(fmt.Errorf("%s? No answer came", question), flags)
		}
		if err != nil {
			return "", err
		}
		if text == "" {
			text = usual
		}
		if err := good(text); err != nil {
			w.say("%v", err)
			continue
		}
		return text, nil
	}
}

// lines gathers what is to be shown, or not.
type lines struct{ bytes.Buffer }

func (l *lines) indent(out io.Writer) {
	for line := range strings.Lines(l.String()) {
		_, _ = fmt.Fprint(out, "  ", line) // as say
	}
}
