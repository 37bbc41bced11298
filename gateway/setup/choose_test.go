package setup

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/gateway/settings"
	"piway/shared/config"
)

// Another form keeps the old rule, on which the gateway goes on sending until its restart, and watches the new one.
func TestSetup_anotherForm(t *testing.T) {
	b := newBench(t)
	for _, form := range []string{"metric", "emf"} {
		if err := b.setup(form).run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	b.complete("emf")
	p := account(t, b.aws, nil).Stacks["piway"].Parameters
	if p["Form"] != "both" || p["AlarmForm"] != "emf" {
		t.Errorf("got rules for %s, alarm for %s, want both and emf", p["Form"], p["AlarmForm"])
	}
	if !strings.Contains(b.out.String(), "the form was metric") {
		t.Errorf("got no word about the change in\n%s", &b.out)
	}
}

func other(name string) func(*awsAccount) {
	return func(a *awsAccount) {
		a.Stacks[name] = &awsStack{
			Status: "CREATE_COMPLETE", Tags: map[string]string{"piway": "gateway"},
			Parameters: map[string]string{"ClientId": "other"},
		}
		a.Stacks["piway"] = &awsStack{Status: "CREATE_COMPLETE", Parameters: map[string]string{
			"Form": "emf", "AlarmForm": "emf", "AlarmMinutes": "60", "Namespace": "RaspberryPi", "ErrorsTopic": "piway/errors",
			"MetricRule": "piway_metric",
		}}
	}
}

func TestSetup_nothingToChange(t *testing.T) {
	b := newBench(t)
	for range 2 {
		if err := b.setup("metric").run(t.Context()); err != nil {
			t.Fatal(err)
		}
		account(t, b.aws, func(a *awsAccount) {
			a.Fail = map[string]awsFailure{"cloudformation deploy": {
				255,
				"\nAn error occurred (ValidationError) when calling the CreateChangeSet operation: No updates are to be " +
					"performed.\n",
			}}
		})
	}
	b.complete("metric")
	if !strings.Contains(b.out.String(), "has it already") {
		t.Errorf("got no word that the configuration stays in\n%s", &b.out)
	}
}

func TestSetup_besideAnotherGateway(t *testing.T) {
	b := newBench(t)
	account(t, b.aws, other("piway-other"))
	if err := b.setup("metric").run(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := account(t, b.aws, nil).Stacks["piway"].Parameters
	if p["Form"] != "both" || p["AlarmForm"] != "both" || p["AlarmMinutes"] != "60" {
		t.Errorf("got %v, want what both gateways need", p)
	}
	b = newBench(t)
	account(t, b.aws, func(a *awsAccount) {
		other("piway-other")(a)
		a.Stacks["piway"].Parameters["Namespace"] = "Theirs"
	})
	if err := b.setup("metric").run(t.Context()); err == nil ||
		!strings.Contains(config.Hint(err), "uplink.namespace: Theirs") {
		t.Errorf("got %v, want a refusal to take the namespace from another gateway", err)
	}
	b = newBench(t)
	account(t, b.aws, other("piway-gateway")) // its name comes out the same
	if err := b.setup("metric").run(t.Context()); err == nil ||
		!strings.Contains(err.Error(), `not of the client id piway-gateway but of "other"`) {
		t.Errorf("got %v, want a refusal to take another's stack", err)
	}
}

// A connection that is refused at first, as by a new policy, is tried again; one that stays so is an error.
func TestSetup_connect(t *testing.T) {
	b := newBench(t)
	s, times := b.setup("metric"), 0
	s.gateway.Check = func(_ context.Context, _ settings.Config, _ io.Writer) error {
		if times++; times < 4 {
			return errors.New("refused")
		}
		return nil
	}
	if err := s.run(t.Context()); err != nil || times != 4 {
		t.Errorf("got %v after %d tries, want patience", err, times)
	}
	s = b.setup("metric")
	s.gateway.Check = func(context.Context, settings.Config, io.Writer) error { return errors.New("refused for good") }
	if err := s.run(t.Context()); err == nil || !strings.Contains(err.Error(),
		"checking the connection: refused for good") {
		t.Errorf("got %v, want the check's error", err)
	}
}

func TestSetup_sample(t *testing.T) {
	path := filepath.Join(t.TempDir(), "etc", "gateway.yaml")
	changed, err := configure(path, []setting{{"uplink.endpoint", "host"}})
	if err != nil || !changed {
		t.Fatal(err)
	}
	cfg := settings.Default()
	if err := config.Load(path, &cfg); err != nil || cfg.Uplink.Endpoint != "host" {
		t.Fatalf("got %q, %v, want the sample with an endpoint", cfg.Uplink.Endpoint, err)
	}
	if changed, err := configure(path, []setting{{"uplink.endpoint", "host"}}); err != nil || changed {
		t.Errorf("got %v, %v, want nothing to change", changed, err)
	}
	if _, err := configure(path, []setting{{"uplink.form", "morse"}}); err == nil {
		t.Error("wrote what a start would refuse")
	}
	link := filepath.Join(t.TempDir(), "link.yaml")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := configure(link, []setting{{"uplink.endpoint", "other"}}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("got %v, %v, want the link to stay", info, err)
	}
}

func TestSetup_print(t *testing.T) {
	b := newBench(t)
	s := b.setup("emf")
	s.asked.Region, s.asked.Profile = "eu-west-1", "it's me"
	if err := s.print(); err != nil {
		t.Fatal(err)
	}
	if calls := account(t, b.aws, nil).Calls; len(calls) > 0 {
		t.Errorf("got calls %v, want none", calls)
	}
	if _, err := os.Stat(b.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want nothing made", err)
	}
	for _, want := range []string{
		"--capabilities CAPABILITY_IAM", "Rule=piway_emf",
		`--region eu-west-1 --profile 'it'\''s me'`,
	} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("got no %q in\n%s", want, &b.out)
		}
	}
}

func TestAlarmMinutes(t *testing.T) {
	for window, want := range map[time.Duration]string{
		time.Minute: "15", 5 * time.Minute: "15", 10 * time.Minute: "30",
		20 * time.Minute: "60", time.Hour: "240",
	} {
		if got := alarmMinutes(&settings.Rollup{Window: window, Grace: 10 * time.Second}, 0); got != want {
			t.Errorf("window %s: got %s minutes, want %s", window, got, want)
		}
	}
	if got := union("metric", "none"); got != "metric" {
		t.Errorf("got %s, want metric", got)
	}
}
