package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"piway/gateway/gateway"
	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/pki"
)

// A bench is a gateway to set up against the stand-in.
type bench struct {
	t    *testing.T
	aws  string // the stand-in's folder
	real bool   // the stand-in is a program on the PATH
	path string // of the configuration
	dir  string // of the certificates
	data string // what the configuration has behind the rest
	out  bytes.Buffer

	answered int // questions
}

// shows says what the screen must hold.
func (b *bench) shows(texts ...string) {
	b.t.Helper()
	for _, want := range texts {
		if !strings.Contains(b.out.String(), want) {
			b.t.Errorf("got no %q in\n%s", want, &b.out)
		}
	}
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, aws: newAccount(t), path: filepath.Join(dir, "gateway.yaml"), dir: filepath.Join(dir, "certs")}
	text := "# mine\nuplink:\n  # where the key is\n  certs: {dir: " + b.dir + "} # not elsewhere\n"
	if err := os.WriteFile(b.path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) walk() *walk {
	b.t.Helper()
	cfg, err := Load(b.path)
	if err != nil {
		b.t.Fatal(err)
	}
	w := newWalk(b.path, Access{}, cfg, &b.out)
	w.answer = nil
	if !b.real {
		w.cli.Exec = func(ctx context.Context, args []string, out, said io.Writer) error {
			if code := standIn(ctx, b.aws, args, out, said); code != 0 {
				return exitCode(code)
			}
			return nil
		}
	}
	w.cli.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return w
}

func (b *bench) setup(form string) *setup {
	return &setup{
		walk: b.walk(), asked: Asked{Form: form, Devices: 5, Metrics: 4},
		gateway: Gateway{
			Ready: gateway.Ready,
			Check: func(_ context.Context, cfg settings.Config, out io.Writer) error {
				_, err := fmt.Fprintln(out, "connection ok", cfg.Uplink.Endpoint)
				return err
			},
		},
	}
}

// complete says what a finished setup must leave.
func (b *bench) complete(form string) {
	b.t.Helper()
	a := account(b.t, b.aws, nil)
	if a.Made != 1 || a.Stacks["piway"] == nil || a.Stacks["piway-gateway"] == nil {
		b.t.Errorf("got %d certificates and stacks %v, want one of each kind", a.Made, a.Stacks)
	}
	files, err := pki.Find(b.dir)
	if err != nil || len(files.Roots) != 4 {
		b.t.Fatalf("got %v, %v, want a complete folder", files, err)
	}
	if _, err := files.Client("host", time.Now()); err != nil {
		b.t.Error(err)
	}
	want := "# mine\nuplink:\n  rule: piway_" + form + "\n  form: " + form +
		"\n  endpoint: abc123-ats.iot.us-east-1.amazonaws.com\n" +
		"  # where the key is\n  certs: {dir: " + b.dir + "} # not elsewhere\n" + b.data
	got, err := os.ReadFile(b.path)
	if err != nil || string(got) != want {
		b.t.Errorf("got configuration %q, %v, want %q", got, err, want)
	}
	if info, err := os.Stat(b.path); err != nil || info.Mode() != 0o640 {
		b.t.Errorf("got %v, %v, want the mode to stay", info, err)
	}
}

func TestSetup(t *testing.T) {
	b := newBench(t)
	s := b.setup("emf")
	s.asked.Email, s.asked.Devices, s.asked.Metrics, s.prices = "me@example.com", 2, 4, priceList()
	if err := s.run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	b.complete("emf")
	a := account(t, b.aws, nil)
	for key, want := range map[string]string{
		"Form": "emf", "AlarmForm": "emf", "AlarmEmail": "me@example.com",
		"AlarmMinutes": "15", "Namespace": "RaspberryPi", "EmfRule": "piway_emf",
	} {
		if got := a.Stacks["piway"].Parameters[key]; got != want {
			t.Errorf("account: got %s %q, want %q", key, got, want)
		}
	}
	for key, want := range map[string]string{
		"ClientId": "piway-gateway", "Rule": "piway_emf",
		"Topic": "piway/emf/piway-gateway", "FeedbackTopic": "piway/emf/piway-gateway-feedback",
		"ErrorsTopic": "piway/errors",
	} {
		if got := a.Stacks["piway-gateway"].Parameters[key]; got != want {
			t.Errorf("gateway: got %s %q, want %q", key, got, want)
		}
	}
	for _, want := range []string{
		"$ aws cloudformation deploy", `"Csr=$(cat ` + b.dir + `/piway-gateway.csr.pem)"`,
		"connection ok abc123", "confirm there", `- {match: "undervoltage seconds (*)", reduce: sum}`,
		"for about 0.30 USD a month and device",
	} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("got no %q in\n%s", want, &b.out)
		}
	}
	if strings.Contains(b.out.String(), "BEGIN") {
		t.Error("the screen shows a whole PEM")
	}
}

// Broken off before any step, the second run ends where an unbroken one does.
func TestSetup_interruptedBeforeEachStep(t *testing.T) {
	for at := 5; ; at++ { // the first four change nothing
		b := newBench(t)
		ctx, cancel := context.WithCancel(t.Context())
		s, n := b.setup("metric"), 0
		s.before = func(string) {
			if n++; n == at {
				cancel()
			}
		}
		err := s.run(ctx)
		cancel()
		if err == nil {
			if at < 12 {
				t.Fatalf("got %d steps, want more", at)
			}
			return
		}
		if !strings.Contains(err.Error(), "interrupted while") || config.Hint(err) == "" {
			t.Fatalf("step %d: got %v, want to be told how to go on", at, err)
		}
		b.resume(at)
	}
}

// resume runs again without a word about the form where AWS knows it.
func (b *bench) resume(at int) {
	b.t.Helper()
	key, _ := os.ReadFile(certFile(b.dir, keyEnd))
	form := "metric"
	if account(b.t, b.aws, nil).Stacks["piway-gateway"] != nil {
		form = ""
	}
	if err := b.setup(form).run(b.t.Context()); err != nil {
		b.t.Fatalf("broken off at %d, then: %v\n%s", at, err, &b.out)
	}
	if now, _ := os.ReadFile(certFile(b.dir, keyEnd)); len(key) > 0 && !bytes.Equal(key, now) {
		b.t.Errorf("broken off at %d: the key was replaced", at)
	}
	b.complete("metric")
}

// Interrupted while a command runs, a real process, which then has done its work or not: here it has. The first, both
// deployments, the dashboard.
func TestSetup_interruptedInACommand(t *testing.T) {
	for _, at := range []int{1, 7, 8, 11} {
		b := newBench(t)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		b.real = true
		onPath(t, b.aws)
		account(t, b.aws, func(a *awsAccount) { a.HangAt, a.Tell = at, l.Addr().String() })
		ctx, cancel := context.WithCancel(t.Context())
		accepted := make(chan error, 1)
		go func() {
			c, err := l.Accept()
			if err == nil {
				err = c.Close()
			}
			cancel()
			accepted <- err
		}()
		err = b.setup("metric").run(ctx)
		if err == nil || !strings.Contains(err.Error(), "interrupted") {
			t.Fatalf("command %d: got %v, want interrupted", at, err)
		}
		if err := errors.Join(<-accepted, l.Close()); err != nil {
			t.Fatal(err)
		}
		account(t, b.aws, func(a *awsAccount) { a.HangAt = 0 })
		b.resume(at)
	}
}

// What the aws tool says is told with the step, the command and the fix.
func TestSetup_errors(t *testing.T) {
	for _, c := range []struct {
		name, call string
		fail       awsFailure
		want, hint string
	}{
		{
			"not logged in", "sts get-caller-identity",
			awsFailure{
				253,
				"\nUnable to locate credentials. You can configure credentials by running \"aws configure\".\n",
			},
			"asking AWS who you are: aws sts get-caller-identity --output json: exit code 253", "aws configure",
		},
		{"expired", "sts get-caller-identity", awsFailure{255, "Error when retrieving token from sso: Token has expired " +
			"and refresh failed"}, "Token has expired", "aws sso login"},
		{
			"wrong profile", "sts get-caller-identity",
			awsFailure{255, "The config profile (x) could not be found"},
			"profile (x)", "--profile",
		},
		{"no region", "cloudformation describe-stacks", awsFailure{253, "You must specify a region. You can also configure " +
			"your region by running \"aws configure\"."}, "looking at what is there", "--region"},
		{"no rights", "cloudformation deploy", awsFailure{254, "\nAn error occurred (AccessDenied) when calling the " +
			"CreateChangeSet operation: User: arn:aws:iam::1:user/me is not authorized to perform: " +
			"cloudformation:CreateChangeSet"}, "deploying the account's rules", "administrator"},
		{
			"usage", "iot describe-endpoint",
			awsFailure{252, "Unknown options"},
			"asking for the address of IoT Core: aws iot describe-endpoint --endpoint-type iot:Data-ATS", "by itself",
		},
	} {
		b := newBench(t)
		account(t, b.aws, func(a *awsAccount) { a.Fail = map[string]awsFailure{c.call: c.fail} })
		err := b.setup("metric").run(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(config.Hint(err), c.hint) {
			t.Errorf("%s: got %v, want %q and the fix %q", c.name, err, c.want, c.hint)
		}
	}
}

func TestSetup_noTool(t *testing.T) {
	b := newBench(t)
	b.real = true
	t.Setenv("PATH", t.TempDir())
	err := b.setup("metric").run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "not installed") ||
		!strings.Contains(config.Hint(err), "aws print cli") {
		t.Errorf("got %v, want to be told that there is no aws", err)
	}
}

// Another program of that name, or one that is broken, is told.
func TestSetup_anotherTool(t *testing.T) {
	for answer, want := range map[string]string{"hello": "reading its answer", "{}": "has no Account"} {
		b := newBench(t)
		b.real = true
		dir := t.TempDir()
		t.Setenv("PATH", dir)
		script := "#!/bin/sh\necho '" + answer + "'\n"
		if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		err := b.setup("metric").run(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(config.Hint(err), "aws --version") {
			t.Errorf("%s: got %v, want %q and to be told to look at the program", answer, err, want)
		}
	}
}

// A stack that rolled back says why, and the next run deletes it and makes it again.
func TestSetup_rollback(t *testing.T) {
	b := newBench(t)
	account(t, b.aws, func(a *awsAccount) { a.Broken = map[string]string{"piway": "piway_metric already exists"} })
	err := b.setup("metric").run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "MetricTopicRule: piway_metric already exists") ||
		strings.Contains(err.Error(), "cancelled") || !strings.Contains(config.Hint(err), "delete what is there") {
		t.Fatalf("got %v, want CloudFormation's own reason", err)
	}
	account(t, b.aws, func(a *awsAccount) { a.Broken = nil })
	if err := b.setup("metric").run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	b.complete("metric")
	if calls := account(t, b.aws, nil).Calls; !slices.Contains(calls, "cloudformation delete-stack") {
		t.Errorf("got %v, want the failed stack to be deleted first", calls)
	}
}

func TestSetup_waitsForAStackAtWork(t *testing.T) {
	b := newBench(t)
	account(t, b.aws, func(a *awsAccount) {
		a.Stacks["piway"] = &awsStack{
			Status: "CREATE_IN_PROGRESS", Looks: 4, Then: "CREATE_COMPLETE",
			Parameters: map[string]string{"Form": "metric"},
		}
	})
	if err := b.setup("metric").run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.out.String(), "waiting for the stack piway, which is CREATE_IN_PROGRESS") {
		t.Errorf("got nothing about waiting in\n%s", &b.out)
	}
}

// A folder that lost its key must not get a new one behind the stack's back.
func TestSetup_lostKey(t *testing.T) {
	b := newBench(t)
	if err := b.setup("metric").run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(b.dir, b.dir+".old"); err != nil {
		t.Fatal(err)
	}
	err := b.setup("metric").run(t.Context())
	if err == nil || !strings.Contains(config.Hint(err), "bring the key back") {
		t.Errorf("got %v, want a refusal", err)
	}
	if _, err := os.Stat(b.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want no new key", err)
	}
	if _, err := pki.NewRequest(b.dir, certName); err != nil {
		t.Fatal(err)
	}
	if err := b.setup("metric").run(t.Context()); err == nil || !strings.Contains(config.Hint(err), "bring the key back") {
		t.Errorf("got %v, want a refusal of another key", err)
	}
}

// A lost request is made anew, and the stack's own is used: the certificate stays.
func TestSetup_lostRequest(t *testing.T) {
	b := newBench(t)
	if err := b.setup("metric").run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(certFile(b.dir, csrEnd)); err != nil {
		t.Fatal(err)
	}
	if err := b.setup("metric").run(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.complete("metric")
}
