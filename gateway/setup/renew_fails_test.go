package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/pki"
)

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
