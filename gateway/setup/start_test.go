package setup

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"piway/gateway/settings"
	"piway/shared/config"
)

// units are this machine's services.
type units struct {
	none  bool // runs with this configuration
	fails error
	asked []string
}

func (u *units) do(what string) stopper {
	return func(_ context.Context, unit, config string, out io.Writer) (bool, error) {
		u.asked = append(u.asked, what+" "+unit+" "+filepath.Base(config))
		_, _ = io.WriteString(out, "$ systemctl "+what+"\n")
		return !u.none && u.fails == nil, u.fails
	}
}

func (u *units) serve(s *setup) *setup {
	s.gateway.Restart, s.gateway.Stop = u.do("restart"), u.do("stop")
	return s
}

func TestSetup_start(t *testing.T) {
	refused := config.Try(errors.New("refused"), "journalctl")
	for name, tt := range map[string]struct {
		units units
		asked []string
		want  string
		err   error
	}{
		"a service": {units{}, []string{"restart piway-gateway gateway.yaml", "stop piway-try gateway.yaml"}, "piway-gateway invite", nil},
		"none":      {units{none: true}, []string{"restart piway-gateway gateway.yaml"}, "(re)start piway-gateway run", nil},
		"fails":     {units{fails: refused}, []string{"restart piway-gateway gateway.yaml"}, "  $ systemctl restart", refused},
	} {
		b := newBench(t)
		b.theirs()
		err := tt.units.serve(b.setup("metric")).run(t.Context())
		if !errors.Is(err, tt.err) || !slices.Equal(tt.units.asked, tt.asked) || !strings.Contains(b.out.String(), tt.want) {
			t.Errorf("%s: got %v, %q and\n%s", name, err, tt.units.asked, &b.out)
		}
		b.complete("metric")
		// The same line again goes on.
		tt.units.fails, tt.units.asked = nil, nil
		if err := tt.units.serve(b.setup("metric")).run(t.Context()); err != nil || !slices.Equal(tt.units.asked[:1], tt.asked[:1]) {
			t.Errorf("%s, again: got %v, %q", name, err, tt.units.asked)
		}
	}
}

// theirs has the data folder be of whose the certificates are: nobody needs to be given a key.
func (b *bench) theirs() {
	b.t.Helper()
	data := filepath.Join(filepath.Dir(b.path), "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		b.t.Fatal(err)
	}
	text, err := os.ReadFile(b.path)
	if err != nil {
		b.t.Fatal(err)
	}
	b.data = "data: {dir: " + data + "}\n"
	if err := os.WriteFile(b.path, append(text, b.data...), 0o640); err != nil {
		b.t.Fatal(err)
	}
}

// After a trial all is as if it had not been; until the end the gateway may go on with it.
func TestSetup_afterTrial(t *testing.T) {
	b := newBench(t)
	b.theirs()
	was, err := settings.Load(b.path)
	if err != nil {
		t.Fatal(err)
	}
	trial := was.ForTrial(8885)
	if _, err := settings.Change(b.path, trial.TrialKeys()); err != nil {
		t.Fatal(err)
	}
	var u units
	s := u.serve(b.setup("emf"))
	s.before = func(step string) {
		if now, err := settings.Load(b.path); err != nil || now.OnTrial() == slices.Contains(
			[]string{"checking the connection", "starting the gateway", "telling what is next"}, step) {
			t.Errorf("%s: got %+v, %v", step, now.Uplink, err)
		}
	}
	s.tellTrial()
	if err := s.run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &b.out)
	}
	now, err := settings.Load(b.path)
	if err != nil || now.OnTrial() || now.Uplink.Certs.Dir != b.dir || now.Uplink.Rule != "piway_emf" ||
		now.Uplink.Region() != "us-east-1" {
		t.Errorf("got %+v, %v", now.Uplink, err)
	}
	if want := []string{"restart piway-gateway gateway.yaml", "stop piway-try gateway.yaml"}; !slices.Equal(u.asked, want) {
		t.Errorf("got %q, want %q", u.asked, want)
	}
	if !strings.HasPrefix(b.out.String(), "This gateway is on trial") {
		t.Errorf("got\n%s, want to be told first what becomes of the trial", &b.out)
	}
}

// The renewal of a key that there is not leads to the set-up.
func TestLoadForRenewal_onTrial(t *testing.T) {
	b := newBench(t)
	was, err := settings.Load(b.path)
	if err != nil {
		t.Fatal(err)
	}
	trial := was.ForTrial(8885)
	if _, err := settings.Change(b.path, trial.TrialKeys()); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadForRenewal(b.path); config.Hint(err) != "sudo -E piway-gateway aws setup" {
		t.Errorf("got %v", err)
	}
}

// A gateway of which nothing is left at AWS does not go on trying.
func TestRemove_stops(t *testing.T) {
	b := ready(t)
	var u units
	r := b.removal()
	r.stop = func(ctx context.Context, unit, path string, out io.Writer) (bool, error) {
		if cfg, err := settings.Load(path); err != nil || cfg.Uplink.Endpoint != "" {
			t.Errorf("got %q, %v, want the configuration written first", cfg.Uplink.Endpoint, err)
		}
		return u.do("stop")(ctx, unit, path, out)
	}
	if err := r.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.gone()
	if want := []string{"stop piway-gateway gateway.yaml"}; !slices.Equal(u.asked, want) {
		t.Errorf("got %q, want %q", u.asked, want)
	}
}
