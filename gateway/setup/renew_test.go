package setup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"piway/gateway/gateway"
	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/pki"
)

// A renewBench looks, at each step and at each call of the aws tool, at whether the gateway could connect.
type renewBench struct {
	*bench
	calls, tried int
	call         func(n int) // before a call, from 1
	tool         func(ctx context.Context, args []string, out, said io.Writer) error
}

func newRenewBench(t *testing.T) *renewBench {
	t.Helper()
	return &renewBench{bench: ready(t)}
}

// inUse returns the id of the certificate that a gateway with this folder shows. It must be one that AWS takes.
func (b *renewBench) inUse(certs settings.Certs, when string) string {
	b.t.Helper()
	files, err := pki.Files{Roots: certs.Roots}.FindRest(certs.Dir)
	if err != nil {
		b.t.Errorf("%s: %v", when, err)
		return ""
	}
	shown, err := files.Client("aws", time.Now())
	if err != nil {
		b.t.Errorf("%s: %v", when, err)
		return ""
	}
	sum := sha256.Sum256(shown.Certificates[0].Certificate[0])
	id := hex.EncodeToString(sum[:])
	if c := account(b.t, b.aws, nil).Certs[id]; c == nil || c.Status != "ACTIVE" || c.Stack == "" {
		b.t.Errorf("%s: the gateway shows a certificate that AWS does not take: %+v", when, c)
	}
	return id
}

func (b *renewBench) renewal() *renewal {
	b.t.Helper()
	cfg, err := LoadForRenewal(b.path)
	if err != nil {
		b.t.Fatal(err)
	}
	r := newRenewal(b.path, cfg, Access{}, Gateway{
		Ready: gateway.Ready,
		Check: func(_ context.Context, cfg settings.Config, out io.Writer) error {
			b.tried++
			b.inUse(cfg.Uplink.Certs, "the check")
			_, err := fmt.Fprintln(out, "connection ok")
			return err
		},
	}, &b.out)
	w := b.walk()
	b.tool = w.cli.Exec
	w.cli.Exec = func(ctx context.Context, args []string, out, said io.Writer) error {
		b.calls++
		b.inUse(settings.Certs{Dir: b.dir}, strings.Join(args[:2], " "))
		if b.call != nil {
			b.call(b.calls)
		}
		return b.tool(ctx, args, out, said)
	}
	r.walk = w
	r.before = func(step string) { b.inUse(settings.Certs{Dir: b.dir}, step) }
	return r
}

// renewed says what a finished renewal must leave. was is what was in use before.
func (b *renewBench) renewed(was, when string) {
	b.t.Helper()
	now := b.inUse(settings.Certs{Dir: b.dir}, when)
	a := account(b.t, b.aws, nil)
	if old := a.Certs[was]; now == was || old == nil || old.Status != "INACTIVE" {
		b.t.Errorf("%s: in use is %.8s, before %.8s, which is %+v", when, now, was, old)
	}
	active := 0
	for _, c := range a.Certs {
		if c.Status == "ACTIVE" {
			active++
		}
	}
	if active != 1 {
		b.t.Errorf("%s: %d certificates are active", when, active)
	}
	if _, err := os.Stat(filepath.Join(b.dir, renewalDir)); err == nil {
		b.t.Errorf("%s: the new key's folder is still there", when)
	}
	kept := filepath.Join(b.dir, replacedDir+was[:16])
	if got := fingerprint(certFile(kept, certEnd)); got != was {
		b.t.Errorf("%s: the old certificate is not in %s", when, kept)
	}
	if info, err := os.Stat(certFile(kept, keyEnd)); err != nil || info.Mode() != 0o600 {
		b.t.Errorf("%s: the old key: %v, %v", when, info, err)
	}
	text, err := os.ReadFile(certFile(b.dir, certEnd))
	if err != nil || strings.Count(string(text), "BEGIN") != 1 || !strings.HasPrefix(string(text), "# arn:aws:iot:us-east-1:") {
		b.t.Errorf("%s: got the certificate %q, %v", when, text, err)
	}
}

func TestRenew(t *testing.T) {
	b := newRenewBench(t)
	var used []string
	for n := range 3 { // the second and third take the place of a certificate that is inactive
		was := b.inUse(settings.Certs{Dir: b.dir}, "before")
		if slices.Contains(used, was) {
			t.Fatalf("%.8s is in use again", was)
		}
		used = append(used, was)
		if err := b.renewal().run(t.Context()); err != nil {
			t.Fatalf("%v\n%s", err, &b.out)
		}
		b.renewed(was, fmt.Sprint("renewal ", n+1))
		if b.tried != n+1 {
			t.Errorf("the new certificate was tried %d times", b.tried)
		}
	}
	said := b.out.String()
	for _, want := range []string{
		`"Csr2=$(cat ` + b.dir + `/renewal/piway-gateway.csr.pem)"`,
		"--new-status INACTIVE", "ParameterKey=Csr,ParameterValue= ParameterKey=Csr2,UsePreviousValue=true",
		"ParameterKey=Csr2,ParameterValue= ParameterKey=Csr,UsePreviousValue=true",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("got no %q in\n%s", want, said)
		}
	}
	if strings.Contains(said, "BEGIN") {
		t.Error("the screen shows a whole PEM")
	}
	// A setup goes on with what is in use, and a removal takes all of it away.
	before := b.inUse(settings.Certs{Dir: b.dir}, "before setup")
	if err := b.setup("").run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	if now := b.inUse(settings.Certs{Dir: b.dir}, "after setup"); now != before {
		t.Error("setup has made another certificate")
	}
	if err := b.removal().run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	b.gone()
}

// Broken off before any step or any call, by a kill or an error of AWS's, the gateway can connect all the time, and the
// same command ends where an unbroken one does.
func TestRenew_brokenOff(t *testing.T) {
	steps, calls := 9, 8
	for at := 2; at <= steps; at++ {
		b := newRenewBench(t)
		was := b.inUse(settings.Certs{Dir: b.dir}, "before")
		ctx, cancel := context.WithCancel(t.Context())
		r, n := b.renewal(), 0
		look := r.before
		r.before = func(step string) {
			look(step)
			if n++; n == at {
				cancel()
			}
		}
		err := r.run(ctx)
		cancel()
		if err == nil || !strings.Contains(err.Error(), "interrupted") {
			t.Fatalf("step %d: got %v", at, err)
		}
		b.goesOn(was, fmt.Sprint("step ", at))
	}
	for at := 1; at <= calls; at++ {
		b := newRenewBench(t)
		was := b.inUse(settings.Certs{Dir: b.dir}, "before")
		r := b.renewal()
		tool := b.tool
		b.tool = func(ctx context.Context, args []string, out, said io.Writer) error {
			if b.calls == at {
				_, _ = fmt.Fprint(said, "\nAn error occurred (AccessDenied) when calling it\n")
				return exitCode(254)
			}
			return tool(ctx, args, out, said)
		}
		err := r.run(t.Context())
		if err == nil {
			if at < 6 {
				t.Fatalf("only %d calls", at-1)
			}
			return
		}
		if config.Hint(err) == "" {
			t.Errorf("call %d: no fix in %v", at, err)
		}
		b.goesOn(was, fmt.Sprint("call ", at))
	}
}

func (b *renewBench) goesOn(was, when string) {
	b.t.Helper()
	made := account(b.t, b.aws, nil).Made
	if err := b.renewal().run(b.t.Context()); err != nil {
		b.t.Fatalf("broken off at %s, then: %v\n%s", when, err, &b.out)
	}
	b.renewed(was, when)
	if now := account(b.t, b.aws, nil).Made; now > 2 || made == 2 && now != 2 {
		b.t.Errorf("%s: %d certificates were made", when, now)
	}
}

// A new certificate that cannot connect changes nothing, and neither does a stack that AWS rolls back.
func TestRenew_newOneFails(t *testing.T) {
	b := newRenewBench(t)
	was := b.inUse(settings.Certs{Dir: b.dir}, "before")
	r := b.renewal()
	r.gateway.Check = func(context.Context, settings.Config, io.Writer) error { return errors.New("closed by AWS") }
	if err := r.run(t.Context()); err == nil || !strings.Contains(err.Error(), "trying the new certificate: closed by AWS") {
		t.Errorf("got %v", err)
	}
	if got := b.inUse(settings.Certs{Dir: b.dir}, "after"); got != was {
		t.Error("the new certificate is in use")
	}
	if slices.Contains(account(t, b.aws, nil).Calls, "iot update-certificate") {
		t.Error("a certificate was deactivated")
	}
	b.goesOn(was, "failed check")

	b = newRenewBench(t)
	was = b.inUse(settings.Certs{Dir: b.dir}, "before")
	r = b.renewal()
	tool := b.tool
	b.tool = func(ctx context.Context, args []string, out, said io.Writer) error {
		if args[1] == "deploy" {
			_, _ = fmt.Fprint(said, "An error occurred (LimitExceeded) when calling the AttachPolicy operation\n")
			return exitCode(255)
		}
		return tool(ctx, args, out, said)
	}
	if err := r.run(t.Context()); err == nil || !strings.Contains(config.Hint(err), "quota") {
		t.Errorf("got %v, want the limit and its fix", err)
	}
	b.goesOn(was, "limit of attachments")
}

// A renewal whose key was lost leaves an active certificate, which the next one deactivates before it takes its place.
func TestRenew_lostNewKey(t *testing.T) {
	b := newRenewBench(t)
	was := b.inUse(settings.Certs{Dir: b.dir}, "before")
	r := b.renewal()
	r.gateway.Check = func(context.Context, settings.Config, io.Writer) error { return errors.New("closed by AWS") }
	if err := r.run(t.Context()); err == nil {
		t.Fatal("got no error")
	}
	if err := os.RemoveAll(filepath.Join(b.dir, renewalDir)); err != nil {
		t.Fatal(err)
	}
	if err := b.renewal().run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	b.renewed(was, "after the loss")
}

// What setup did not make is not touched, and the way by hand is named.
func TestRenew_notOurs(t *testing.T) {
	for name, spoil := range map[string]func(b *renewBench) error{
		"no stack": func(b *renewBench) error {
			account(b.t, b.aws, func(a *awsAccount) { delete(a.Stacks, "piway-gateway") })
			return nil
		},
		"another key": func(b *renewBench) error {
			for _, end := range []string{keyEnd, csrEnd} {
				if err := os.Remove(certFile(b.dir, end)); err != nil {
					return err
				}
			}
			_, err := pki.NewRequest(b.dir, certName)
			return err
		},
	} {
		b := &renewBench{bench: ready(t)}
		if err := spoil(b); err != nil {
			t.Fatal(err)
		}
		r := b.renewal()
		r.before, r.cli.Exec = nil, b.tool
		err := r.run(t.Context())
		if err == nil || !strings.Contains(config.Hint(err), "A certificate that setup did not make") {
			t.Errorf("%s: got %v", name, err)
		}
		if a := account(t, b.aws, nil); a.Made != 1 || slices.Contains(a.Calls, "iot update-certificate") {
			t.Errorf("%s: %d certificates were made, calls %v", name, a.Made, a.Calls)
		}
	}
	b := newRenewBench(t)
	if err := os.Remove(certFile(b.dir, keyEnd)); err != nil {
		t.Fatal(err)
	}
	r := b.renewal()
	r.before, r.cli.Exec = nil, b.tool
	if err := r.run(t.Context()); err == nil || config.Hint(err) != "piway-gateway aws setup" {
		t.Errorf("no key: got %v", err)
	}
	text := "uplink: {certs: {cert: /a, key: /b}}\n"
	if err := os.WriteFile(b.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadForRenewal(b.path); err == nil || !strings.Contains(config.Hint(err), "did not make") {
		t.Errorf("files of one's own: got %v", err)
	}
}

// What root renews in a service's folder is the service's.
func TestRenew_asRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	b := newRenewBench(t)
	err := filepath.WalkDir(b.dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, serviceUser, serviceUser))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.renewal().run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	err = filepath.WalkDir(b.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if s := info.Sys().(*syscall.Stat_t); err == nil && s.Uid != serviceUser {
			t.Errorf("%s is of user %d", path, s.Uid)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A removal in the middle of a renewal takes both certificates away, which are active then, and the new key.
func TestRenew_thenRemove(t *testing.T) {
	b := newRenewBench(t)
	r := b.renewal()
	r.gateway.Check = func(context.Context, settings.Config, io.Writer) error { return errors.New("closed by AWS") }
	if err := r.run(t.Context()); err == nil {
		t.Fatal("got no error")
	}
	if err := b.removal().run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	b.gone()
	if _, err := os.Stat(filepath.Join(b.dir, renewalDir)); err == nil {
		t.Error("the new key is left")
	}
}

// After the gateway was stolen, another machine that has nothing of it but its client id makes a new key, and the
// stolen certificates are gone.
func TestSetup_afterTheft(t *testing.T) {
	b := newRenewBench(t)
	if err := b.renewal().run(t.Context()); err != nil {
		t.Fatal(err)
	}
	account(t, b.aws, func(a *awsAccount) { // step 1
		for _, c := range a.Certs {
			c.Status = "INACTIVE"
		}
	})
	thief := *b.bench
	b.bench = &bench{t: t, aws: b.aws, path: filepath.Join(t.TempDir(), "gateway.yaml")}
	b.dir = filepath.Join(t.TempDir(), "certs")
	if err := os.WriteFile(b.path, []byte("uplink: {certs: {dir: "+b.dir+"}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.setup("metric").run(t.Context()); err == nil || !strings.Contains(config.Hint(err), "aws remove") {
		t.Errorf("without a removal: %v", err)
	}
	if err := b.removal().run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := account(t, b.aws, nil); len(a.Certs) > 0 {
		t.Errorf("stolen certificates are left: %d", len(a.Certs))
	}
	if err := b.setup("metric").run(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.inUse(settings.Certs{Dir: b.dir}, "the new gateway")
	if stolen := fingerprint(certFile(thief.dir, certEnd)); account(t, b.aws, nil).Certs[stolen] != nil {
		t.Error("AWS still knows the stolen certificate")
	}
}

// The commands change nothing and name both certificates.
func TestRenew_print(t *testing.T) {
	b := newRenewBench(t)
	calls := len(account(t, b.aws, nil).Calls)
	cfg, err := LoadForRenewal(b.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := RenewCommands(b.path, cfg, Access{Profile: "p"}, &b.out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"Csr2=$(cat ` + b.dir + `/renewal/piway-gateway.csr.pem)"`, "--profile p", `--certificate-id "$OLD"`, "openssl req -new",
	} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("got no %q in\n%s", want, &b.out)
		}
	}
	if got := len(account(t, b.aws, nil).Calls); got != calls {
		t.Errorf("%d calls were made", got-calls)
	}
}
