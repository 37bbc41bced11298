package join

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
