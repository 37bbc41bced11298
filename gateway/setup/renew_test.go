package setup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
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
