package setup

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
)

// The stand-in for the aws tool: a function, or the test binary under its name. It answers as the tool and AWS do, in
// words and exit codes (AWS CLI user guide, return codes), and keeps the account in a file.

const standInDir = "PIWAY_TEST_AWS_DIR"

// An awsAccount is what the stand-in keeps.
type awsAccount struct {
	Stacks map[string]*awsStack
	Certs  map[string]*awsCert
	Made   int // certificates ever made
	Calls  []string
	Boards map[string]string // dashboards and their bodies

	// What the test wants.
	Fail   map[string]awsFailure // by "SERVICE OPERATION"
	Broken map[string]string     // stacks that roll back, and why
	// Stacks that CloudFormation refuses before it begins, and its events of that; a tool that is Old knows none.
	Refused map[string][]map[string]string
	Old     bool
	// Detaches is how many deletions of a gateway's stack fail because AWS has not detached all yet.
	Detaches int

	NeedsRegion bool // the tool has none of its own

	HangAt int    // the call that does its work and then waits for an interrupt; from 1
	Tell   string // the address to dial when it hangs

	out, said io.Writer // of the tool that runs
}

type awsStack struct {
	Status           string
	Parameters, Tags map[string]string
	Outputs          map[string]string
	Template         string
	Events           []map[string]string
	Looks            int    // until it goes on to Then
	Then             string // "" with Looks 1 is gone
}

type awsCert struct{ PEM, Status, Stack string }

type awsFailure struct {
	Code   int
	Stderr string
}

func accountFile(dir string) string { return filepath.Join(dir, "account.json") }

func readAccount(dir string) (*awsAccount, error) {
	text, err := os.ReadFile(accountFile(dir))
	if err != nil {
		return nil, err
	}
	a := &awsAccount{}
	return a, json.Unmarshal(text, a)
}

func (a *awsAccount) write(dir string) error {
	text, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(accountFile(dir), text, 0o600)
}

// A call is a parsed command line: two words, then options with values.
type awsCall struct {
	name    string
	options map[string][]string
}

func parseCall(args []string) awsCall {
	c := awsCall{strings.Join(args[:min(2, len(args))], " "), map[string][]string{}}
	option := ""
	for _, a := range args[min(2, len(args)):] {
		if strings.HasPrefix(a, "--") {
			option = a
			c.options[a] = nil
			continue
		}
		c.options[option] = append(c.options[option], a)
	}
	return c
}

func (c awsCall) one(option string) string {
	if v := c.options[option]; len(v) == 1 {
		return v[0]
	}
	return ""
}

func (c awsCall) pairs(option string) map[string]string {
	m := map[string]string{}
	for _, p := range c.options[option] {
		k, v, _ := strings.Cut(p, "=")
		m[k] = v
	}
	return m
}

// asAWS makes the test binary be the tool.
const asAWS = "PIWAY_TEST_AS_AWS"

func TestMain(m *testing.M) {
	if os.Getenv(asAWS) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		code := standIn(ctx, os.Getenv(standInDir), os.Args[1:], os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// An exitCode is the stand-in's, as an error.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }
func (e exitCode) ExitCode() int { return int(e) }

// standIn is the tool, for an account in a folder. It returns the exit code.
func standIn(ctx context.Context, dir string, args []string, out, said io.Writer) int {
	a, err := readAccount(dir)
	if err != nil {
		_, _ = fmt.Fprintln(said, err)
		return 255
	}
	a.out, a.said = out, said
	call := parseCall(args)
	a.Calls = append(a.Calls, call.name)
	code := a.answer(call)
	if err := a.write(dir); err != nil {
		_, _ = fmt.Fprintln(said, err)
		return 255
	}
	if a.HangAt == len(a.Calls) {
		c, err := net.Dial("tcp", a.Tell)
		if err != nil {
			_, _ = fmt.Fprintln(said, err)
			return 255
		}
		<-ctx.Done()
		_ = c.Close() // only its opening was a message
		return 130
	}
	return code
}

func (a *awsAccount) answer(c awsCall) int {
	if f, ok := a.Fail[c.name]; ok {
		_, _ = fmt.Fprint(a.said, f.Stderr)
		return f.Code
	}
	if a.NeedsRegion && c.one("--region") == "" {
		_, _ = fmt.Fprint(a.said, "You must specify a region. You can also configure your region by running \"aws configure\".\n")
		return 253
	}
	switch c.name {
	case "sts get-caller-identity":
		return a.reply(map[string]string{
			"UserId": "A", "Account": "123456789012",
			"Arn": "arn:aws:iam::123456789012:user/me",
		})
	case "cloudformation describe-stacks":
		return a.describe(c)
	case "cloudformation deploy":
		return a.deploy(c)
	case "cloudformation delete-stack":
		return a.delete(c.one("--stack-name"))
	case "cloudformation describe-stack-events":
		name := c.one("--stack-name")
		if a.Stacks[name] == nil {
			return a.refuse("ValidationError", "DescribeStackEvents", "Stack ["+name+"] does not exist")
		}
		return a.reply(map[string]any{"StackEvents": a.Stacks[name].Events})
	case "cloudformation describe-events":
		if a.Old {
			break
		}
		return a.reply(map[string]any{"OperationEvents": a.Refused[c.one("--stack-name")]})
	case "cloudwatch list-dashboards", "cloudwatch put-dashboard", "cloudwatch delete-dashboards":
		return a.dashboards(c)
	case "iot describe-endpoint":
		return a.reply(map[string]string{"endpointAddress": "abc123-ats.iot.us-east-1.amazonaws.com"})
	}
	cert := a.Certs[c.one("--certificate-id")]
	switch {
	case cert == nil && strings.HasPrefix(c.name, "iot "):
		return a.refuse("ResourceNotFoundException", "DescribeCertificate",
			"The certificate given in the certificateId does not exist.")
	case c.name == "iot describe-certificate":
		return a.reply(map[string]any{"certificateDescription": map[string]string{
			"certificateArn": "arn:aws:iot:us-east-1:123456789012:cert/" + c.one("--certificate-id"),
			"certificatePem": cert.PEM,
			"status":         cert.Status,
		}})
	case c.name == "iot update-certificate":
		cert.Status = c.one("--new-status")
		return 0
	}
	_, _ = fmt.Fprintf(a.said, "aws: error: argument operation: Invalid choice: %s", c.name)
	return 252
}

func (a *awsAccount) reply(v any) int {
	if err := json.NewEncoder(a.out).Encode(v); err != nil {
		return 255
	}
	return 0
}

func (a *awsAccount) refuse(code, operation, text string) int {
	_, _ = fmt.Fprintf(a.said, "\nAn error occurred (%s) when calling the %s operation: %s\n", code, operation, text)
	return 254
}

// newAccount returns the folder of an account with nothing in it.
func newAccount(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := (&awsAccount{Stacks: map[string]*awsStack{}, Certs: map[string]*awsCert{}, Boards: map[string]string{}}).write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// onPath puts the stand-in for an account on the PATH.
func onPath(t *testing.T, dir string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The race detector would keep each of the many calls for a second at its end.
	script := fmt.Sprintf("#!/bin/sh\nGORACE=atexit_sleep_ms=0 %s=aws exec '%s' \"$@\"\n", asAWS, self)
	if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv(standInDir, dir)
}

// account changes what the stand-in keeps, and returns it.
func account(t *testing.T, dir string, change func(*awsAccount)) *awsAccount {
	t.Helper()
	a, err := readAccount(dir)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(a)
		if err := a.write(dir); err != nil {
			t.Fatal(err)
		}
	}
	return a
}
