package setup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/shared/config"
	"piway/shared/pki"
)

// A configuration that cannot be written is told before AWS is asked for anything.
func TestSetup_configurationNotWritable(t *testing.T) {
	b := newBench(t)
	s := b.setup("metric")
	s.path = filepath.Join(b.path, "gateway.yaml") // below a file
	if err := s.run(t.Context()); err == nil || !strings.Contains(config.Hint(err), "sudo") {
		t.Errorf("got %v, want the fix", err)
	}
	if calls := account(t, b.aws, nil).Calls; len(calls) > 0 {
		t.Errorf("got %v, want no call of aws", calls)
	}
}

// Two setups of one gateway at once: the second is told to wait. Another gateway's goes on.
func TestSetup_twoAtOnce(t *testing.T) {
	b, second, other := newBench(t), error(nil), error(nil)
	s := b.setup("metric")
	s.before = func(step string) {
		if strings.HasPrefix(step, "making the key") {
			second = b.setup("metric").run(t.Context())
			other = newBench(t).setup("metric").run(t.Context())
		}
	}
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if second == nil || config.Hint(second) != "this again when it has ended" || other != nil {
		t.Errorf("got %v and %v, want the second told to wait and another gateway to be set up", second, other)
	}
	b.complete("metric")
	if err := b.setup("").run(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Two machines at once: the stack that the other has made meanwhile is not deployed over, whose certificate would end.
func TestSetup_anotherMachineMeanwhile(t *testing.T) {
	b := newBench(t)
	s := b.setup("metric")
	there := newBench(t)
	there.aws = b.aws
	s.before = func(step string) {
		if strings.HasPrefix(step, "deploying the gateway") {
			if err := there.setup("metric").run(t.Context()); err != nil {
				t.Errorf("%v\n%s", err, &there.out)
			}
		}
	}
	err := s.run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "another aws setup has made the stack piway-gateway meanwhile") {
		t.Errorf("got %v, want a refusal", err)
	}
	request, err := pki.NewRequest(there.dir, certName)
	a := account(t, b.aws, nil)
	if err != nil || a.Made != 1 || !request.Fits([]byte(a.Stacks["piway-gateway"].Parameters["Csr"])) {
		t.Errorf("got %d certificates, %v, want the first one left", a.Made, err)
	}
	// As the fix says: this again. Its own key is not the stack's, and a second gateway needs a name.
	err = b.setup("metric").run(t.Context())
	hint := config.Hint(err)
	if !strings.Contains(hint, "site: NAME in "+b.path) || !strings.Contains(hint, "bring the key back") {
		t.Errorf("got %v, want to be told how two gateways live in one account", err)
	}
	b.rewrite("site: cellar\n")
	if err := b.setup("metric").run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	if account(t, b.aws, nil).Stacks["piway-gateway-cellar"] == nil {
		t.Error("got no second gateway beside the first")
	}
}

// rewrite puts lines before the configuration.
func (b *bench) rewrite(lines string) {
	b.t.Helper()
	text, err := os.ReadFile(b.path)
	if err == nil {
		err = os.WriteFile(b.path, append([]byte(lines), text...), 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// A run that ended in another region, with its certificate there and no endpoint written, is not begun anew here.
func TestSetup_otherRegionLeftOver(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := b.setup("metric")
	s.before = func(step string) {
		if step == "writing the configuration" {
			cancel()
		}
	}
	if err := s.run(ctx); err == nil {
		t.Fatal("was not interrupted")
	}
	cancel()
	// As it looks there:
	account(t, b.aws, func(a *awsAccount) { a.Stacks, a.Region = map[string]*awsStack{}, "eu-west-1" })
	err := b.setup("metric").run(t.Context())
	if hint := config.Hint(err); !strings.HasPrefix(hint, "--region us-east-1, or piway-gateway aws remove --region us-") {
		t.Errorf("got %v, want the region that has the certificate", err)
	}
}

// Where the region was asked for, going on needs it as a flag.
func TestSetup_interruptedAfterTheRegion(t *testing.T) {
	b := newBench(t)
	account(t, b.aws, func(a *awsAccount) { a.NeedsRegion = true })
	s := b.setup("metric")
	b.answer(s.walk, "us-east-1")
	ctx, cancel := context.WithCancel(t.Context())
	s.before = func(step string) {
		if step == "looking at what is there" {
			cancel()
		}
	}
	err := s.run(ctx)
	cancel()
	if !strings.Contains(config.Hint(err), "the same command again --region us-east-1") {
		t.Errorf("got %v, want the region in the fix", err)
	}
}

// A certificate that cannot be written, as on a full disk, is fetched by the next run; no second one is made.
func TestSetup_certificateNotWritten(t *testing.T) {
	b := newBench(t)
	s := b.setup("metric")
	inTheWay := filepath.Join(certFile(b.dir, certEnd), "x")
	s.before = func(step string) {
		if step == "fetching the certificate" {
			if err := os.MkdirAll(inTheWay, 0o700); err != nil {
				t.Error(err)
			}
		}
	}
	if err := s.run(t.Context()); err == nil || !strings.Contains(err.Error(), "fetching the certificate: ") {
		t.Errorf("got %v, want the certificate not written", err)
	}
	if text, err := os.ReadFile(b.path); err != nil || strings.Contains(string(text), "endpoint") {
		t.Errorf("got %s, %v, want no endpoint yet", text, err)
	}
	if err := os.RemoveAll(certFile(b.dir, certEnd)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := b.setup("").run(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.complete("metric")
}
