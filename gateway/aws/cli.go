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
	// Again is this program's command line with the caller's environment kept, where sudo has dropped it; empty otherwise.
	Again string
	// As is whom the tool runs as, nil for this process's user.
	As *Caller
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
		do = c.program
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
			"sudo apt install awscli, on Debian and Raspberry Pi OS (others: https://aws.amazon.com/cli/), then aws configure. Or, "+
				"for a machine that has it: piway-gateway aws csr, piway-gateway aws print cli > setup.sh, and there bash setup.sh")
	case failed:
		e := &CommandError{command.String(), exit.ExitCode(), said.String()}
		return nil, config.Try(e, c.hint(e))
	default:
		return nil, c.As.denied(fmt.Errorf("%s: %w", command, err))
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

// attempts of a call that AWS throttles; the tool's own number, 5 or 3, is soon used up where many poll (AWS CLI user
// guide, retries).
const attempts = "10"

// program runs the program aws. It is interrupted when ctx ends.
func (c *CLI) program(ctx context.Context, args []string, out, said io.Writer) error {
	cmd := exec.CommandContext(ctx, "aws", args...) //nolint:gosec // the arguments are ours, and no shell reads them
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopWait
	cmd.Env = append(os.Environ(), "AWS_PAGER=") // version 2 would open a pager
	if os.Getenv("AWS_MAX_ATTEMPTS") == "" {
		cmd.Env = append(cmd.Env, "AWS_MAX_ATTEMPTS="+attempts)
	}
	if c.As != nil {
		c.As.become(cmd)
	}
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
		return config.Try(fmt.Errorf("%s: reading its answer %.200q: %w", command, text, err),
			"aws --version, to see that the program aws is the AWS CLI; and the command by itself")
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

// Said reports whether err is a command that failed and wrote the text.
func Said(err error, text string) bool {
	e, ok := errors.AsType[*CommandError](err)
	return ok && strings.Contains(e.Stderr, text)
}
