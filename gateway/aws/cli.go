// Package aws runs AWS's command line tool. Its one promise: what is run is shown before, and what AWS answers is told
// with what to do about it.
package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"piway/gateway/cloud"
	"piway/shared/config"
)

// A CLI runs AWS's command line tool. Its credentials are its own business; none pass through here.
type CLI struct {
	// Profile and Region are passed on if they are set.
	Profile, Region string
	// Again is this program's command line with the caller's login kept, where sudo has the tool look for one in root's
	// home; empty otherwise.
	Again string
	// Show is told each command before it is run, as a shell would take it.
	Show func(line string)
	// Waiting is told, every so often, what a command that takes long is waiting for.
	Waiting func(what string, since time.Duration)
	// Exec runs the tool, and writes where it writes. An error with an ExitCode method says that it ran and failed.
	// Nil means the program aws.
	Exec func(ctx context.Context, args []string, out, said io.Writer) error
	// Sleep waits between two looks, at most until ctx ends. Nil means the real time.
	Sleep func(ctx context.Context, d time.Duration) error
}

// A CommandError is a command that failed. Code is its exit code: 252 a usage, 253 no credentials, 254 what AWS
// answered, 255 anything else (AWS CLI user guide, return codes; version 1 has 255 for all of them).
type CommandError struct {
	Command string
	Code    int
	Stderr  string
}

func (e *CommandError) Error() string {
	said := strings.TrimSpace(e.Stderr)
	if len(said) > maxSaid {
		said = said[:maxSaid] + "…"
	}
	if said == "" {
		said = "it said nothing"
	}
	return fmt.Sprintf("%s: exit code %d: %s", e.Command, e.Code, said)
}

const maxSaid = 600

// Patience of the CLI.
const (
	progressEvery = 15 * time.Second // what it is waiting for
	stopWait      = 5 * time.Second  // how long a command may take to end after an interrupt
	pollEvery     = 5 * time.Second  // looks at a stack
)

// Run runs a command and returns what it wrote. what says, for Waiting, what it is waiting for.
func (c *CLI) Run(ctx context.Context, what string, command cloud.Command) ([]byte, error) {
	command = c.complete(command)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.Show(command.String())
	do := c.Exec
	if do == nil {
		do = program
	}
	var out, said bytes.Buffer
	stop := c.progress(what)
	err := do(ctx, command.Args(), &out, &said)
	stop()
	var exit interface {
		error
		ExitCode() int
	}
	switch failed := errors.As(err, &exit); {
	case err == nil:
		return out.Bytes(), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return nil, config.Try(errors.New("the program aws is not installed"),
			"install AWS's command line tool (apt install awscli, or https://aws.amazon.com/cli/), or run the commands of "+
				"piway-gateway aws print cli on a machine that has it")
	case failed:
		e := &CommandError{command.String(), exit.ExitCode(), said.String()}
		return nil, config.Try(e, c.hint(e))
	default:
		return nil, fmt.Errorf("%s: %w", command, err)
	}
}

// complete adds what all commands have.
func (c *CLI) complete(command cloud.Command) cloud.Command {
	if c.Region != "" {
		command = command.With("--region", c.Region)
	}
	if c.Profile != "" {
		command = command.With("--profile", c.Profile)
	}
	return command
}

// program runs the program aws. It is interrupted when ctx ends.
func program(ctx context.Context, args []string, out, said io.Writer) error {
	cmd := exec.CommandContext(ctx, "aws", args...) //nolint:gosec // the arguments are ours, and no shell reads them
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopWait
	cmd.Env = append(os.Environ(), "AWS_PAGER=") // version 2 would open a pager
	cmd.Stdout, cmd.Stderr = out, said
	return cmd.Run()
}

// progress reports on a command that takes long, until the returned function is called.
func (c *CLI) progress(what string) (stop func()) {
	done := make(chan struct{})
	ended := make(chan struct{})
	start := time.Now()
	go func() {
		defer close(ended)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				c.Waiting(what, time.Since(start))
			}
		}
	}()
	return func() { close(done); <-ended }
}

// Decode runs a command and reads the JSON that it writes.
func (c *CLI) Decode(ctx context.Context, what string, command cloud.Command, into any) error {
	text, err := c.Run(ctx, what, command.With("--output", "json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: reading its answer %.200q: %w", command, text, err)
	}
	return nil
}

// Pause waits, at most until ctx ends.
func (c *CLI) Pause(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// hints are what to do about what the tool says on standard error.
var hints = []struct {
	said, try string
	home      bool // it is in the caller's home that the tool looks
}{
	{"Unable to locate credentials", "aws configure, or aws sso login, then run this again", true},
	{"could not be found", "aws configure list-profiles, and --profile with one of them", true},
	{"ExpiredToken", "aws sso login, or new credentials, then run this again", true},
	{"Token has expired", "aws sso login, then run this again", true},
	{"InvalidClientTokenId", "aws configure: AWS does not know these credentials", true},
	{"must specify a region", "--region us-east-1, or aws configure", true},
	{
		"Could not connect to the endpoint", "check that this machine reaches the internet and that AWS has this --region",
		false,
	},
	{"AccessDenied", "credentials that may make IAM roles, IoT rules and certificates and CloudFormation stacks, such " +
		"as an administrator's", false},
	{"not authorized to perform", "credentials that may make IAM roles, IoT rules and certificates and CloudFormation " +
		"stacks, such as an administrator's", false},
	{"already exists", "delete what is there under this name, or set another name in the configuration", false},
	{"LimitExceeded", "raise the quota in AWS's console, Service Quotas", false},
}

func (c *CLI) hint(e *CommandError) string {
	for _, h := range hints {
		switch {
		case !strings.Contains(e.Stderr, h.said):
		case h.home && c.Again != "":
			return c.Again + "   (sudo without -E looks for your login in root's home); or " + h.try
		default:
			return h.try
		}
	}
	return "run the command by itself to see more; piway-gateway, run again, continues where it stopped"
}

// Said reports whether err is a command that failed and wrote the text.
func Said(err error, text string) bool {
	e, ok := errors.AsType[*CommandError](err)
	return ok && strings.Contains(e.Stderr, text)
}
