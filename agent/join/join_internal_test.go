package join

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"piway/agent/agent"
	"piway/agent/find"
	"piway/configs"
	"piway/shared/config"
	"piway/shared/pairing"
	"piway/shared/pki"
)

func quoted(text string) string {
	b, _ := json.Marshal(text) // of a text
	return string(b)
}

func answer(w http.ResponseWriter, a pairing.Answer) { _ = json.NewEncoder(w).Encode(a) }

func (m *machine) load(t *testing.T) agent.Config {
	t.Helper()
	cfg := agent.Default()
	if err := config.Load(m.config, &cfg); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func (m *machine) keys(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(m.spool, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestJoin(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	m := newMachine(t, "gateway:\n  # the old one\n  address: old:1883 # there\n  password_file: /etc/none\n  username: me\n")
	if err := m.join(t.Context(), g.token(t, 1, "127.0.0.1:1")); err != nil {
		t.Fatalf("%v\n%s", err, &m.out)
	}
	cfg := m.load(t)
	key := filepath.Join(m.spool, "device-010000000000.key")
	if w := cfg.Gateway; cfg.Device != "kitchen" || w.Address != g.Addr() || !slices.Equal(w.Addresses, []string{"127.0.0.1:1"}) ||
		!slices.Equal(w.Pins, []pki.Sum{g.authority.Pin()}) || w.KeyFile != key || w.PasswordFile != "" || w.Username != "" {
		t.Errorf("got %+v", cfg)
	}
	text, err := os.ReadFile(m.config)
	if err != nil || !strings.Contains(string(text), "# mine\n") || !strings.Contains(string(text), "# the old one\n") ||
		!strings.Contains(string(text), "disks: [] # none\n") {
		t.Errorf("got %s, %v, want all else as it was", text, err)
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want a key that is its user's alone", info, err)
	}
	asked, shown := g.keys()
	if len(asked) != 1 || !slices.Equal(asked, shown) {
		t.Errorf("joined with %v, logged in with %v", asked, shown)
	}
	if hello := <-g.Connects; hello.Username != "kitchen" || hello.Password != "" {
		t.Errorf("got %+v", hello)
	}
	if p := <-g.Publishes; p.Topic != "pi/kitchen/samples" {
		t.Errorf("got %+v", p)
	}
	for _, want := range []string{"127.0.0.1:1", `as "kitchen"`, m.config, key, "the gateway has it", "Next: "} {
		if !strings.Contains(m.out.String(), want) {
			t.Errorf("got %s, want %q in it", &m.out, want)
		}
	}
	if left := m.keys(t); !slices.Equal(left, []string{key}) {
		t.Errorf("got %v", left)
	}
}

// A machine without a configuration gets the sample, with what was answered.
func TestJoin_newConfiguration(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "")
	if err := os.Remove(m.config); err != nil {
		t.Fatal(err)
	}
	j := &joiner{opt: Options{Config: m.config, Out: &m.out}, home: home{dir: m.spool}}
	if err := j.read(); err != nil {
		t.Fatal(err)
	}
	if err := j.configure(pairing.Answer{Device: "kitchen"}, find.Place{Address: "[::1]:8883"}); err != nil {
		t.Fatal(err)
	}
	w := m.load(t).Gateway
	if info, err := os.Stat(m.config); err != nil || info.Mode().Perm() != 0o644 || w.Address != "[::1]:8883" || !w.MDNS {
		t.Errorf("got %+v, %v, %v", w, info, err)
	}
	text, err := os.ReadFile(m.config)
	if n := strings.Count(string(text), "\n"); err != nil || n != strings.Count(string(configs.Agent), "\n") {
		t.Errorf("got %d lines, %v, want those of the sample", n, err)
	}
}

// Another agent's key in the same folder stays: it is all that this agent is let in by.
func TestJoin_anothersKey(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	m := newMachine(t, "")
	if err := m.join(t.Context(), g.token(t, 1)); err != nil {
		t.Fatal(err)
	}
	trial := &machine{dir: m.dir, spool: m.spool, config: filepath.Join(t.TempDir(), "trial.yaml")}
	text, err := os.ReadFile(m.config)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("key_file"), []byte("username: '' # key_file"))
	if err := os.WriteFile(trial.config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := trial.join(t.Context(), g.token(t, 2)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{m.load(t).Gateway.KeyFile, trial.load(t).Gateway.KeyFile} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// What is left to do fits who joined: the unit runs with its own configuration only, and a folder that cannot be written
// keeps nothing.
func TestJoiner_next(t *testing.T) {
	t.Parallel()
	start := func(done bool, err error) func(context.Context, bool) (bool, error) {
		return func(context.Context, bool) (bool, error) { return done, err }
	}
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		config, home string
		start        func(context.Context, bool) (bool, error)
		want, not    string
		err          error
	}{
		"the unit's":       {unitConfig, "/s", nil, "systemctl enable", "spool.dir", nil},
		"another":          {"/home/me/a.yaml", "/s", start(false, nil), "piway-agent run --config /home/me/a.yaml", "systemctl", nil},
		"folder unwritten": {"/home/me/a.yaml", "/home/me", nil, "cannot write /s (spool.dir)", "systemctl", nil},
		"started":          {unitConfig, "/s", start(true, nil), "Nothing is left to do", "Next", nil},
		"does not start":   {unitConfig, "/s", start(false, refused), "", "Nothing", refused},
	} {
		var out bytes.Buffer
		j := &joiner{opt: Options{Config: c.config, Out: &out, Start: c.start}, home: home{dir: c.home}, unlock: func() {}}
		err := j.next(t.Context(), agent.Config{Spool: agent.Spool{Dir: "/s"}})
		if got := out.String(); !strings.Contains(got, c.want) || strings.Contains(got, c.not) || !errors.Is(err, c.err) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

// Who starts the service is told whether an agent runs already, by whomever. The call's own lock is none, where spool.dir
// is the folder of the configuration too.
func TestJoiner_next_running(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only locked
	unlock, err := lock(filepath.Join(dir, "agent.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{false, true} {
		if want {
			if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
				t.Fatal(err)
			}
		}
		var out bytes.Buffer
		got := !want
		j := &joiner{home: home{dir: dir}, unlock: unlock, opt: Options{
			Config: unitConfig, Out: &out,
			Start: func(_ context.Context, running bool) (bool, error) {
				got = running
				return false, nil
			},
		}}
		if err := j.next(t.Context(), agent.Config{Spool: agent.Spool{Dir: dir}}); err != nil || got != want ||
			strings.Contains(out.String(), "restart") != want {
			t.Errorf("got %t, %v, %q, want %t", got, err, &out, want)
		}
	}
}

// Which clock is wrong is not said: a gateway's may be.
func TestJoiner_tellClock(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	j := &joiner{opt: Options{Out: &out}}
	j.tellClock(time.Now())
	j.tellClock(time.Time{})
	if out.Len() != 0 {
		t.Errorf("got %q", &out)
	}
	j.tellClock(time.Date(1970, 1, 1, 0, 5, 0, 0, time.UTC))
	if got := out.String(); !strings.Contains(got, "the gateway's says 1970-01-01 00:05 UTC, this machine's 2") {
		t.Errorf("got %q", got)
	}
}

// The second time, with the same token, there is nothing to do; with a new one all is new.
func TestJoin_again(t *testing.T) {
	t.Parallel()
	g, other := newGateway(t), newGateway(t)
	m := newMachine(t, "")
	for range 2 {
		if err := m.join(t.Context(), g.token(t, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if asked, shown := g.keys(); len(asked) != 1 || len(shown) != 2 || shown[0] != shown[1] {
		t.Errorf("asked with %v, logged in with %v", asked, shown)
	}
	for _, to := range []*gateway{g, other} {
		m.out.Reset()
		if err := m.join(t.Context(), to.token(t, 2)); err != nil {
			t.Fatal(err)
		}
		if w := m.load(t).Gateway; w.Address != to.Addr() || w.Pins[0] != to.authority.Pin() || len(m.keys(t)) != 1 {
			t.Errorf("got %+v, %v", w, m.keys(t))
		}
		if !strings.Contains(m.out.String(), "a device already, as \"kitchen\" of the gateway with the pin "+
			g.authority.Pin().String()) {
			t.Errorf("got %s", &m.out)
		}
	}
}
