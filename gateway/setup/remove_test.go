package setup

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"piway/gateway/settings"
	"piway/shared/config"
)

func (b *bench) removal() *removal {
	return &removal{walk: b.walk(), yes: true, now: func() time.Time {
		return time.Date(2026, 2, 3, 4, 5, 6, 0,
			time.UTC)
	}}
}

// ready is a bench that is set up.
func ready(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	if err := b.setup("metric").run(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.out.Reset()
	return b
}

// gone says what a finished removal must leave.
func (b *bench) gone() {
	b.t.Helper()
	a := account(b.t, b.aws, nil)
	if len(a.Stacks) > 0 || len(a.Certs) > 0 {
		b.t.Errorf("got stacks %v and certificates %v, want none", a.Stacks, a.Certs)
	}
	var left []string
	for _, end := range []string{keyEnd, csrEnd, certEnd} {
		aside, err := filepath.Glob(filepath.Join(b.dir, "removed-*", certName+end))
		if err != nil || len(aside) != 1 {
			b.t.Errorf("%s: got %v, %v, want it put aside", end, aside, err)
		}
		if _, err := os.Stat(certFile(b.dir, end)); err == nil {
			left = append(left, end)
		}
	}
	if len(left) > 0 {
		b.t.Errorf("got %v still there", left)
	}
	cfg := settings.Default()
	if err := config.Load(b.path, &cfg); err != nil || cfg.Uplink.Endpoint != "" || cfg.Uplink.Rule != "" {
		b.t.Errorf("got endpoint %q, rule %q, %v, want none", cfg.Uplink.Endpoint, cfg.Uplink.Rule, err)
	}
}

func TestRemove(t *testing.T) {
	b := ready(t)
	if err := b.removal().run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	b.gone()
	calls := account(t, b.aws, nil).Calls
	if off, del := slices.Index(calls, "iot update-certificate"),
		slices.Index(calls, "cloudformation delete-stack"); off < 0 || off > del {
		t.Errorf("got %v, want the certificate deactivated before its stack is deleted", calls)
	}
	if info, err := os.Stat(filepath.Join(b.dir, "removed-20260203T040506Z", certName+keyEnd)); err != nil ||
		info.Mode() != 0o600 {
		t.Errorf("got %v, %v, want the key for its owner only", info, err)
	}
	// Twice is as good as once, and a new setup starts with a new key.
	if err := b.removal().run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.setup("metric").run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
}

func TestRemove_interruptedBeforeEachStep(t *testing.T) {
	for at := 4; ; at++ { // the first three change nothing
		b := ready(t)
		ctx, cancel := context.WithCancel(t.Context())
		r, n := b.removal(), 0
		r.before = func(string) {
			if n++; n == at {
				cancel()
			}
		}
		err := r.run(ctx)
		cancel()
		if err == nil {
			if at < 8 {
				t.Fatalf("got %d steps, want more", at)
			}
			return
		}
		if err := b.removal().run(t.Context()); err != nil {
			t.Fatalf("broken off at %d, then: %v\n%s", at, err, &b.out)
		}
		b.gone()
	}
}

// A removal that was broken off can be turned back: the certificate becomes active again.
func TestRemove_thenSetup(t *testing.T) {
	b := ready(t)
	ctx, cancel := context.WithCancel(t.Context())
	r := b.removal()
	r.before = func(step string) {
		if step == "deleting the gateway's stack" {
			cancel()
		}
	}
	if err := r.run(ctx); err == nil {
		t.Fatal("got no interruption")
	}
	if err := b.setup("").run(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.complete("metric")
	for id, c := range account(t, b.aws, nil).Certs {
		if c.Status != "ACTIVE" {
			t.Errorf("got certificate %s %s, want it active", id, c.Status)
		}
	}
}

func TestRemove_purge(t *testing.T) {
	b := ready(t)
	r := b.removal()
	r.purge = true
	if err := r.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(b.dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.Contains(filepath.Base(path), certName) {
			t.Errorf("got %s, want it deleted", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRemove_keepsWhatAnotherGatewayUses(t *testing.T) {
	b := ready(t)
	account(t, b.aws, func(a *awsAccount) {
		a.Stacks["piway-other"] = &awsStack{Status: "CREATE_COMPLETE", Tags: map[string]string{"piway": "gateway"}}
	})
	if err := b.removal().run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := account(t, b.aws, nil); a.Stacks["piway"] == nil || a.Stacks["piway-gateway"] != nil {
		t.Errorf("got %v, want the account's stack kept", a.Stacks)
	}
}

func TestRemove_consent(t *testing.T) {
	b := ready(t)
	r := b.removal()
	r.yes = false
	if err := r.run(t.Context()); err == nil || config.Hint(err) != "--yes" {
		t.Errorf("got %v, want --yes asked for", err)
	}
	for _, answer := range []string{"", "no"} {
		r := b.removal()
		r.yes, r.answer = false, func(context.Context) (string, error) { return answer, nil }
		if err := r.run(t.Context()); err == nil || !strings.Contains(err.Error(), "nothing was removed") {
			t.Errorf("answer %q: got %v, want a stop", answer, err)
		}
	}
	b.complete("metric")
	r = b.removal()
	r.yes, r.answer = false, func(context.Context) (string, error) { return "yes", nil }
	if err := r.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.gone()
}

// What CloudFormation cannot delete is told in its words.
func TestRemove_deleteFailed(t *testing.T) {
	b := ready(t)
	account(t, b.aws, func(a *awsAccount) {
		a.Certs["byhand"] = &awsCert{Status: "ACTIVE", Stack: "piway-gateway"}
	})
	err := b.removal().run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "deleting the gateway's stack") ||
		!strings.Contains(err.Error(), "must be deactivated") {
		t.Fatalf("got %v, want CloudFormation's reason", err)
	}
	account(t, b.aws, func(a *awsAccount) { delete(a.Certs, "byhand") })
	if err := b.removal().run(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.gone()
}
